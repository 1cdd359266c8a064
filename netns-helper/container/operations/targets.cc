#include "netns-helper/container/operations/targets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "netns-helper/container/mounts/folder_entries.h"
#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/mounts/rooted_path.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {
namespace {

using Parts = std::vector<std::string>;

Result<Parts> split(const std::string& target) {
  const std::string what = "the target " + printable(target);
  if (!target.starts_with('/')) return fail(what + " is no absolute path", 0, "Begin it with /");
  if (target.contains('\0')) return fail(what + " has a byte of zero in it");
  Parts parts;
  for (std::string::size_type begin = 0; begin < target.size();) {
    const auto end = std::min(target.find('/', begin), target.size());
    const std::string part = target.substr(begin, end - begin);
    if (part == "..") return fail(what + " has .. in it", 0, "Write the path that it means");
    if (!part.empty() && part != ".") parts.push_back(part);
    begin = end + 1;
  }
  return parts;
}

std::string join(const Parts& parts) {
  std::string path;
  for (const std::string& part : parts) path.append("/").append(part);
  return path.empty() ? "/" : path;
}

/// The error for a part of a target that cannot be made or entered.
std::unexpected<Error> refused(const std::string& what, const std::string& path, int number) {
  std::string hint;
  if (number == ENOTDIR) hint = "A part of its path is a file";
  if (number == ELOOP) hint = "A link on its way leads to itself, or is one of /proc, which are not followed";
  if (number == ENOSYS) hint = "This takes openat2(2), of Linux 5.6";
  if (number == EROFS) hint = "Make it in the source of what is mounted there, or mount a tmpfs there first";
  if (number == EACCES || number == EPERM) hint = "This user may not write to the folder that is mounted there";
  return fail(what + " " + printable(path) + " in the new root", number, hint);
}

/// The error for an entry that is there, although its path leads to nothing: what else can it be.
std::unexpected<Error> is_dangling(int folder, const std::string& name, const std::string& path) {
  const auto text = link_text(folder, name, path);
  if (!text || !*text) return refused("make", path, EEXIST);
  return fail(printable(path) + " in the new root is a link to " + printable(**text) + ", which is not there", 0,
              "Make that first, or use its path");
}

}  // namespace

Targets::Targets(int parent, std::string name, std::string shown, mode_t parent_mode)
    : parent_(parent), name_(std::move(name)), shown_(std::move(shown)), parent_mode_(parent_mode) {}

Result<MountPoint> Targets::folder(const std::string& target) const {
  const Parts parts = TRY(split(target));
  UniqueFd top = TRY(root());
  UniqueFd made = TRY(make_folders(top, parts));
  return mount_point(std::move(top), std::move(made), parts, target);
}

Result<MountPoint> Targets::file(const std::string& target) const {
  const Parts parts = TRY(split(target));
  const NewEntry place = TRY(entry(target));
  UniqueFd top = TRY(root());
  UniqueFd there = open_below(top.get(), join(parts), O_PATH);
  if (!there.valid() && errno == ENOENT) {
    constexpr mode_t mode = 0444;
    const UniqueFd made(
        openat(place.folder.get(), place.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!made.valid() && errno == EEXIST) return is_dangling(place.folder.get(), place.name, place.shown);
    if (!made.valid()) return refused("make the file", place.shown, errno);
    there = open_below(top.get(), join(parts), O_PATH);
  }
  if (!there.valid()) return refused("open", place.shown, errno);
  struct stat status{};
  if (fstat(there.get(), &status) == 0 && S_ISDIR(status.st_mode)) return refused("make the file", place.shown, EISDIR);
  return mount_point(std::move(top), std::move(there), parts, target);
}

Result<MountPoint> Targets::found(const std::string& target) const {
  const Parts parts = TRY(split(target));
  UniqueFd top = TRY(root());
  UniqueFd there = open_below(top.get(), join(parts), O_PATH);
  if (!there.valid()) return refused("find", shown(target), errno);
  return mount_point(std::move(top), std::move(there), parts, target);
}

Result<NewEntry> Targets::entry(const std::string& target) const {
  Parts parts = TRY(split(target));
  if (parts.empty()) return refused("make the file", shown(target), EISDIR);
  NewEntry made{.folder = {}, .name = parts.back(), .shown = shown(target)};
  parts.pop_back();
  const UniqueFd top = TRY(root());
  made.folder = TRY(make_folders(top, parts));
  return made;
}

Result<UniqueFd> Targets::root() const {
  UniqueFd top(openat(parent_, name_.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top.valid()) return refused("open", shown("/"), errno);
  return top;
}

Result<UniqueFd> Targets::make_folders(const UniqueFd& root, const Parts& parts) const {
  constexpr int flags = O_PATH | O_DIRECTORY;
  UniqueFd at = open_below(root.get(), "/", flags);
  std::string path;
  for (const std::string& part : parts) {
    path.append("/").append(part);
    UniqueFd next = open_below(root.get(), path, flags);
    if (!next.valid() && errno == ENOENT) {
      const bool made = mkdirat(at.get(), part.c_str(), parent_mode_) == 0;
      if (!made && errno == EEXIST) return is_dangling(at.get(), part, shown(path));
      if (!made) return refused("make the folder", shown(path), errno);
      next = open_below(root.get(), path, flags);
    }
    if (!next.valid()) return refused("open the folder", shown(path), errno);
    at = std::move(next);
  }
  if (!at.valid()) return refused("open the folder", shown("/"), errno);
  return at;
}

Result<MountPoint> Targets::mount_point(UniqueFd root, UniqueFd file, const Parts& parts,
                                        const std::string& target) const {
  if (!parts.empty()) return MountPoint{std::move(file), std::move(root), join(parts), shown(target)};
  // What is mounted over the root is found from its parent alone.
  UniqueFd parent(fcntl(parent_, F_DUPFD_CLOEXEC, 0));
  if (!parent.valid()) return refused("open", shown(target), errno);
  return MountPoint{std::move(file), std::move(parent), name_, shown(target)};
}

std::string Targets::shown(const std::string& target) const {
  return target == "/" && !shown_.empty() ? shown_ : shown_ + target;
}

}  // namespace wg4::container
