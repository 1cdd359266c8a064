#include "netns-helper/container/operations/mqueue.h"

#include <sys/mount.h>

#include <cerrno>
#include <expected>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/owned_namespace.h"
#include "netns-helper/container/operations/step.h"
#include "shared/base/result.h"

namespace wg4::container {

Result<void> mount_queues(const MountPoint& at) {
  const FileSystem wanted{.type = "mqueue", .refusals = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
  auto mounted = mount_new(wanted, at);
  if (!mounted && mounted.error().number == EPERM && !is_owned_here("ipc"))
    mounted.error().hint = "It shows the queues of an IPC namespace that belongs to the same user namespace: make one";
  if (!mounted) return std::unexpected(mounted.error());
  return {};
}

Result<Step> prepare(const Mqueue& mqueue) {
  return Step([&mqueue](Site& site) -> Result<void> { return mount_queues(TRY(site.targets.folder(mqueue.target))); });
}

}  // namespace wg4::container
