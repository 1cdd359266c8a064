#include <sys/mount.h>

#include <cerrno>
#include <expected>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/step.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"

namespace wg4::container {

Result<Step> prepare(const Remount& remount) {
  return Step([&remount](Site& site) -> Result<void> {
    Refusals refusals = 0;
    if (remount.read_only) refusals |= MOUNT_ATTR_RDONLY;
    if (remount.no_device) refusals |= MOUNT_ATTR_NODEV;
    if (remount.no_exec) refusals |= MOUNT_ATTR_NOEXEC;
    const MountPoint at = TRY(site.targets.found(remount.target));
    const auto done = refuse(at.file, refusals, remount.recursive ? Depth::all_below : Depth::one_mount, at.shown);
    if (!done && done.error().number == EINVAL)
      return fail("nothing is mounted at " + printable(at.shown) + " in the new root", 0,
                  "Only what an operation has mounted can be changed: name its target");
    return done;
  });
}

}  // namespace wg4::container
