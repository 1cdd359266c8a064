#include <sys/stat.h>

#include <cerrno>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/mounts/rooted_path.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/step.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"

namespace wg4::container {

Result<Step> prepare(const Chmod& chmod) {
  return Step([&chmod](Site& site) -> Result<void> {
    const MountPoint at = TRY(site.targets.found(chmod.target));
    if (::chmod(path_of(at.file).c_str(), chmod.mode) != 0)
      return fail("change the mode of " + printable(at.shown) + " in the new root", errno);
    return {};
  });
}

}  // namespace wg4::container
