#include <sys/mount.h>

#include <expected>
#include <utility>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/source.h"
#include "netns-helper/container/operations/step.h"
#include "shared/base/result.h"

namespace wg4::container {

Result<Step> prepare(const Bind& bind) {
  if (bind.ensure) TRY(make_source(bind.source));
  auto source = bind.descriptor >= 0 ? find_source(bind.descriptor) : find_source(bind.source);
  if (!source && bind.optional && is_missing(source.error())) return Step([](Site&) -> Result<void> { return {}; });
  if (!source) return std::unexpected(source.error());

  Refusals refusals = MOUNT_ATTR_NOSUID;
  if (!bind.writable) refusals |= MOUNT_ATTR_RDONLY;
  if (!bind.device) refusals |= MOUNT_ATTR_NODEV;
  const bool is_folder = source->is_folder;
  Tree tree = TRY(take_tree(std::move(source->file), source->path));
  return Step([&bind, refusals, is_folder, tree = std::move(tree)](Site& site) mutable -> Result<void> {
    const MountPoint at = TRY(is_folder ? site.targets.folder(bind.target) : site.targets.file(bind.target));
    TRY(show(std::move(tree), refusals, at));
    return {};
  });
}

}  // namespace wg4::container
