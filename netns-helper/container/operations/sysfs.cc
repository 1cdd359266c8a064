#include <sys/mount.h>

#include <cerrno>
#include <expected>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/owned_namespace.h"
#include "netns-helper/container/operations/step.h"
#include "shared/base/result.h"

namespace wg4::container {
namespace {

const char* why_refused() {
  if (!is_owned_here("net"))
    return "It shows the interfaces of a network namespace that belongs to the same user namespace: make one, or bind "
           "/sys of the host";
  return "The kernel shows nobody more of /sys than there was to see, and something covers parts of the host's, as in "
         "most containers: bind /sys of the host";
}

}  // namespace

Result<Step> prepare(const Sysfs& sysfs) {
  return Step([&sysfs](Site& site) -> Result<void> {
    const FileSystem wanted{.type = "sysfs",
                            .refusals = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
    auto mounted = mount_new(wanted, TRY(site.targets.folder(sysfs.target)));
    if (!mounted && mounted.error().number == EPERM) mounted.error().hint = why_refused();
    if (!mounted) return std::unexpected(mounted.error());
    return {};
  });
}

}  // namespace wg4::container
