#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/mounts/rooted_path.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/step.h"
#include "netns-helper/container/operations/targets.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/whole_file.h"

namespace wg4::container {
namespace {

UniqueFd make_file(const UniqueFd& folder, const std::string& name, mode_t mode) {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  return UniqueFd(openat(folder.get(), name.c_str(), flags, mode));
}

Result<void> write_bytes(const UniqueFd& file, const Place& place) {
  if (!file.valid()) return fail("make the file " + printable(place.target) + " in the new root", errno);
  if (auto written = write_all(file.get(), place.bytes); !written)
    return fail_in("write the file " + printable(place.target) + " in the new root", written.error());
  return {};
}

/// What is there is a regular file, with other bytes from now on.
Result<void> replace_bytes(const Site& site, const Place& place) {
  const MountPoint there = TRY(site.targets.file(place.target));
  struct stat status{};
  if (fstat(there.file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return fail(printable(there.shown) + " in the new root is no regular file");
  return write_bytes(UniqueFd(open(path_of(there.file).c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC)), place);
}

Result<void> write_in_folder(const Site& site, const Place& place) {
  const NewEntry entry = TRY(site.targets.entry(place.target));
  const UniqueFd made = make_file(entry.folder, entry.name, place.mode);
  if (!made.valid() && errno == EEXIST) return replace_bytes(site, place);
  return write_bytes(made, place);
}

/// The file itself is in the hidden folder, and has no name any more once it is mounted.
Result<void> mount_file(Site& site, const Place& place) {
  const std::string name = site.new_name();
  TRY(write_bytes(make_file(site.hidden, name, place.mode), place));
  UniqueFd file(openat(site.hidden.get(), name.c_str(), O_PATH | O_CLOEXEC));
  Tree tree = TRY(take_tree(std::move(file), "a new file"));
  Refusals refusals = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (place.as == Place::As::read_only_mount) refusals |= MOUNT_ATTR_RDONLY;
  const MountPoint at = TRY(site.targets.file(place.target));
  TRY(show(std::move(tree), refusals, at));
  unlinkat(site.hidden.get(), name.c_str(), 0);
  return {};
}

}  // namespace

Result<Step> prepare(const Place& place) {
  return Step([&place](Site& site) {
    return place.as == Place::As::file ? write_in_folder(site, place) : mount_file(site, place);
  });
}

}  // namespace wg4::container
