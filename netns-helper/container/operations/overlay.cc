#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/mounts/rooted_path.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/source.h"
#include "netns-helper/container/operations/step.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {
namespace {

/// Its folders, of which all but `lower` may be missing.
struct Layers {
  std::vector<UniqueFd> lower;  ///< the uppermost first
  UniqueFd upper;
  UniqueFd work;
  Refusals refusals = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
};

Result<UniqueFd> take_layer(const std::string& path, Layers& layers) {
  Source source = TRY(find_folder(path));
  // What may not be executed where it is may not be executed here, either.
  layers.refusals |= TRY(refusals_of(source)) & MOUNT_ATTR_NOEXEC;
  return std::move(source.file);
}

Result<Layers> take_layers(const Overlay& overlay) {
  using Writes = Overlay::Writes;
  const std::string what = "the overlay at " + printable(overlay.target);
  if (overlay.lower.empty()) return fail(what + " needs a folder to lie over");
  if (overlay.writes == Writes::refused && overlay.lower.size() < 2)
    return fail(what + " needs two folders at least", 0, "Bind a single one");
  Layers layers;
  for (const std::string& path : overlay.lower) layers.lower.push_back(TRY(take_layer(path, layers)));
  if (overlay.writes != Writes::to_upper) return layers;
  layers.upper = TRY(take_layer(overlay.upper, layers));
  layers.work = TRY(take_layer(overlay.work, layers));
  return layers;
}

Result<UniqueFd> make_layer(Site& site, mode_t mode) {
  const std::string name = site.new_name();
  if (mkdirat(site.hidden.get(), name.c_str(), mode) != 0) return fail("make a folder for an overlay", errno);
  UniqueFd made(openat(site.hidden.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!made.valid()) return fail("open a folder for an overlay", errno);
  return made;
}

/// The root of the overlay gets the mode of its upper folder: that of the uppermost below is kept so.
Result<void> make_upper(Site& site, Layers& layers) {
  struct stat status{};
  if (fstat(layers.lower.front().get(), &status) != 0) return fail("look at a folder below an overlay", errno);
  layers.upper = TRY(make_layer(site, status.st_mode & 07777));
  layers.work = TRY(make_layer(site, 0700));
  return {};
}

/// Layers are named by their descriptors: nobody inside reads the host's paths in the list of mounts, and no character
/// of a path has a meaning of its own.
FileSystem describe(const Layers& layers) {
  FileSystem wanted{.type = "overlay", .refusals = layers.refusals};
  std::string lower;
  for (const UniqueFd& layer : layers.lower) lower.append(lower.empty() ? "" : ":").append(path_of(layer));
  wanted.options.emplace_back("lowerdir", lower);
  if (layers.upper.valid()) wanted.options.emplace_back("upperdir", path_of(layers.upper));
  if (layers.upper.valid()) wanted.options.emplace_back("workdir", path_of(layers.work));
  wanted.options.emplace_back("userxattr", "");
  return wanted;
}

}  // namespace

Result<Step> prepare(const Overlay& overlay) {
  return Step([&overlay, layers = TRY(take_layers(overlay))](Site& site) mutable -> Result<void> {
    if (overlay.writes == Overlay::Writes::to_memory) TRY(make_upper(site, layers));
    if (overlay.writes == Overlay::Writes::refused) layers.refusals |= MOUNT_ATTR_RDONLY;
    const MountPoint at = TRY(site.targets.folder(overlay.target));
    TRY(mount_new(describe(layers), at));
    return {};
  });
}

}  // namespace wg4::container
