#include <fmt/format.h>
#include <sys/mount.h>

#include <string>
#include <utility>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/step.h"
#include "shared/base/result.h"

namespace wg4::container {

Result<Step> prepare(const Tmpfs& tmpfs) {
  FileSystem wanted{.type = "tmpfs",
                    .refusals = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                    .options = {{"mode", fmt::format("{:o}", tmpfs.mode)}}};
  if (tmpfs.size > 0) wanted.options.emplace_back("size", std::to_string(tmpfs.size));
  return Step([&tmpfs, wanted = std::move(wanted)](Site& site) -> Result<void> {
    const MountPoint at = TRY(site.targets.folder(tmpfs.target));
    TRY(mount_new(wanted, at));
    return {};
  });
}

}  // namespace wg4::container
