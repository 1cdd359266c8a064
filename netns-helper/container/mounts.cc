#include "netns-helper/container/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <expected>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {
namespace {

std::unexpected<Error> refused(const std::string& step, const std::string& path, int number) {
  const bool forbidden = number == EPERM || number == EACCES;
  return fail(
      step + " " + printable(path), number,
      forbidden ? "AppArmor, SELinux or a container around this process may forbid it: see the kernel's log" : "");
}

Result<UniqueFd> copy(const std::string& path, unsigned flags) {
  UniqueFd tree(open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags));
  if (!tree.valid()) return refused("copy the mount of", path, errno);
  return tree;
}

/// The flags of mount(2) that a bind mount has, of those that a remount would otherwise take from it.
unsigned long flags_of(const struct statvfs& status) {
  constexpr std::array<std::pair<unsigned long, unsigned long>, 6> pairs{{{ST_NOSUID, MS_NOSUID},
                                                                          {ST_NODEV, MS_NODEV},
                                                                          {ST_NOEXEC, MS_NOEXEC},
                                                                          {ST_NOATIME, MS_NOATIME},
                                                                          {ST_NODIRATIME, MS_NODIRATIME},
                                                                          {ST_RELATIME, MS_RELATIME}}};
  unsigned long flags = 0;
  for (const auto& [has, flag] : pairs)
    if ((status.f_flag & has) != 0) flags |= flag;
  return flags;
}

Result<void> remount_read_only(const std::string& path) {
  struct statvfs status{};
  if (statvfs(path.c_str(), &status) != 0) return refused("look at the mount of", path, errno);
  constexpr unsigned long same_mount = MS_REMOUNT | MS_BIND | MS_RDONLY;
  if (mount(nullptr, path.c_str(), nullptr, same_mount | flags_of(status), nullptr) != 0)
    return refused("make read-only", path, errno);
  return {};
}

/// A path of /proc/PID/mountinfo has blanks and backslashes as three octal digits.
std::string unescape_octal(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 3 >= text.size()) {
      result += text[i];
      continue;
    }
    const int code = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
    result += static_cast<char>(code);
    i += 3;
  }
  return result;
}

/// Before Linux 5.12: one mount after the other.
Result<void> remount_each_read_only(const std::string& path) {
  TRY(remount_read_only(path));
  std::ifstream mounts("/proc/self/mountinfo");
  if (!mounts) return refused("read", "/proc/self/mountinfo", errno);
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string skipped;
    std::string place;
    fields >> skipped >> skipped >> skipped >> skipped >> place;
    place = unescape_octal(place);
    if (!place.starts_with(path + "/")) continue;
    const auto done = remount_read_only(place);
    // The list has mounts that are covered, too: at their path there is none, or nothing.
    if (!done && done.error().number != EINVAL && done.error().number != ENOENT) return done;
  }
  return {};
}

}  // namespace

Result<void> keep_mounts_here() {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return refused("keep mounts from the host, below", "/", errno);
  return {};
}

Result<void> mount_tmpfs(const std::string& path, unsigned long flags, const std::string& options) {
  if (mount("tmpfs", path.c_str(), "tmpfs", flags, options.c_str()) != 0)
    return refused("mount a tmpfs at", path, errno);
  return {};
}

Result<UniqueFd> copy_tree(const std::string& path) { return copy(path, AT_RECURSIVE); }

Result<UniqueFd> copy_mount(const std::string& path) { return copy(path, 0); }

Result<void> attach(const UniqueFd& tree, const std::string& path) {
  if (move_mount(tree.get(), "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    return refused("mount at", path, errno);
  return {};
}

Result<void> give_to_root(const UniqueFd& file, const std::string& path) {
  // A copy of a mount is a descriptor with O_PATH, which fchown(2) does not take. EINVAL: no such user here.
  if (fchownat(file.get(), "", 0, 0, AT_EMPTY_PATH) != 0 && errno != EINVAL)
    return refused("give to root", path, errno);
  return {};
}

Result<void> make_read_only(const std::string& path) {
  struct mount_attr change{};
  change.attr_set = MOUNT_ATTR_RDONLY;
  if (mount_setattr(AT_FDCWD, path.c_str(), AT_RECURSIVE, &change, sizeof change) == 0) return {};
  if (errno == ENOSYS) return remount_each_read_only(path);
  return refused("make read-only", path, errno);
}

}  // namespace wg4::container
