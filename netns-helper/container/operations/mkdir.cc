#include <sys/stat.h>

#include <cerrno>

#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/step.h"
#include "netns-helper/container/operations/targets.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"

namespace wg4::container {

Result<Step> prepare(const Mkdir& mkdir) {
  return Step([&mkdir](Site& site) -> Result<void> {
    const auto there = site.targets.found(mkdir.target);
    if (!there && there.error().number == ENOENT) {
      const NewEntry entry = TRY(site.targets.entry(mkdir.target));
      if (mkdirat(entry.folder.get(), entry.name.c_str(), mkdir.mode) == 0) return {};
      // A link to nothing is an entry, too: folder() tells of it.
      if (errno != EEXIST) return fail("make the folder " + printable(entry.shown) + " in the new root", errno);
    }
    TRY(site.targets.folder(mkdir.target));
    return {};
  });
}

}  // namespace wg4::container
