#include <fmt/format.h>
#include <sys/mount.h>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/step.h"
#include "shared/base/result.h"

namespace wg4::container {

Result<Step> prepare(const ReadOnly& read_only) {
  return Step([&read_only](Site& site) -> Result<void> {
    const FileSystem wanted{.type = "tmpfs",
                            .refusals = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                            .options = {{"mode", fmt::format("{:o}", read_only.mode)}, {"size", "4k"}}};
    const MountPoint at = TRY(site.targets.folder(read_only.target));
    TRY(mount_new(wanted, at));
    return {};
  });
}

}  // namespace wg4::container
