#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <expected>
#include <string>
#include <utility>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/owned_namespace.h"
#include "netns-helper/container/operations/step.h"
#include "netns-helper/container/operations/targets.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {
namespace {

const char* why_refused() {
  if (!is_owned_here("pid"))
    return "It shows the processes of a PID namespace that belongs to the same user namespace: make one, or bind /proc "
           "of the host";
  return "The kernel shows nobody more of /proc than there was to see, and something covers parts of the host's, as in "
         "most containers: bind /proc of the host";
}

/// By these, the host's root can change the host, also from a user namespace of its own.
constexpr std::array of_the_host{"bus", "fs", "irq", "sys", "sysrq-trigger"};

/// Of what belongs to the host's root, nothing can be written by this user, who would be that.
Result<void> protect_host(const UniqueFd& proc, const Proc& wanted) {
  const Targets inside(proc.get(), ".", wanted.target, 0755);
  for (const std::string name : of_the_host) {
    struct stat status{};
    if (fstatat(proc.get(), name.c_str(), &status, 0) != 0 || status.st_uid != geteuid()) continue;
    const MountPoint at = TRY(inside.found("/" + name));
    UniqueFd again(openat(proc.get(), name.c_str(), O_PATH | O_CLOEXEC));
    Tree tree = TRY(take_tree(std::move(again), at.shown));
    TRY(show(std::move(tree), MOUNT_ATTR_RDONLY, at));
  }
  return {};
}

}  // namespace

Result<Step> prepare(const Proc& proc) {
  return Step([&proc](Site& site) -> Result<void> {
    const FileSystem wanted{.type = "proc", .refusals = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
    auto mounted = mount_new(wanted, TRY(site.targets.folder(proc.target)));
    if (!mounted && mounted.error().number == EPERM) mounted.error().hint = why_refused();
    if (!mounted) return std::unexpected(mounted.error());
    return protect_host(*mounted, proc);
  });
}

}  // namespace wg4::container
