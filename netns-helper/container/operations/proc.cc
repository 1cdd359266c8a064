#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <expected>
#include <string>
#include <utility>

#include "netns-helper/container/mounts.h"
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

/// By these, root can change the host. They look as if they belonged to root in a user namespace whose root is the
/// host's, too.
Result<void> protect_host(const UniqueFd& proc, const Proc& wanted) {
  const Targets inside(proc.get(), ".", wanted.target, 0755);
  for (const std::string name : {"sys", "sysrq-trigger", "irq", "bus"}) {
    if (faccessat(proc.get(), name.c_str(), W_OK, AT_EACCESS) != 0) continue;
    MountPoint at = TRY(inside.found("/" + name));
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
