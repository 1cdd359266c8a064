#include "netns-helper/container/mounts/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "netns-helper/container/mounts/mount_by_path.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {
namespace {

Result<UniqueFd> copy(const std::string& path, unsigned flags) {
  UniqueFd tree(open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags));
  if (!tree.valid()) return mount_refused("copy the mount of", path, errno);
  return tree;
}

/// Changes what is open; false if the kernel has no mount_setattr(2).
Result<bool> change(const UniqueFd& mount, const struct mount_attr& wanted, Depth depth, const std::string& shown) {
  struct mount_attr change = wanted;
  const unsigned flags = AT_EMPTY_PATH | (depth == Depth::all_below ? AT_RECURSIVE : 0U);
  if (mount_setattr(mount.get(), "", flags, &change, sizeof change) == 0) return true;
  if (errno == ENOSYS) return false;
  return mount_refused("change the mount of", shown, errno);
}

Result<void> move_to(const UniqueFd& mount, const std::string& what, const MountPoint& at) {
  constexpr unsigned by_descriptors = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (move_mount(mount.get(), "", at.file.get(), "", by_descriptors) != 0)
    return mount_refused("mount " + printable(what) + " at", at.shown, errno);
  return {};
}

constexpr std::size_t max_option = 255;  // bytes that fsconfig(2) takes

bool fits_descriptors(const FileSystem& wanted) {
  return std::ranges::all_of(wanted.options, [](const auto& option) { return option.second.size() <= max_option; });
}

/// What the kernel has to say about a file system that it has refused; it may be nothing.
std::string complaint(const UniqueFd& context) {
  std::array<char, 512> text{};
  const ssize_t size = read(context.get(), text.data(), text.size());
  if (size <= 2) return "";
  std::string_view line(text.data(), static_cast<std::size_t>(size));
  line = line.substr(2);  // "e ": an error
  return "The kernel says: " + printable(line.substr(0, line.find('\n')));
}

Result<void> configure(const UniqueFd& context, const FileSystem& wanted, const std::string& shown) {
  const auto set = [&context](const std::string& name, const std::string& value) {
    if (value.empty()) return fsconfig(context.get(), FSCONFIG_SET_FLAG, name.c_str(), nullptr, 0) == 0;
    return fsconfig(context.get(), FSCONFIG_SET_STRING, name.c_str(), value.c_str(), 0) == 0;
  };
  bool configured = set("source", wanted.type);
  for (const auto& [name, value] : wanted.options) configured = configured && set(name, value);
  configured = configured && fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0;
  if (configured) return {};
  Error error = mount_refused("mount " + wanted.type + " at", shown, errno).error();
  if (const std::string said = complaint(context); !said.empty()) error.hint = said;
  return std::unexpected(std::move(error));
}

}  // namespace

std::unexpected<Error> mount_refused(const std::string& step, const std::string& path, int number) {
  const bool forbidden = number == EPERM || number == EACCES;
  return fail(
      step + " " + printable(path), number,
      forbidden ? "AppArmor, SELinux or a container around this process may forbid it: see the kernel's log" : "");
}

Result<void> keep_mounts_here() {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0) return {};
  if (errno != EINVAL) return mount_refused("keep mounts from the host, below", "/", errno);
  return fail("keep mounts from the host, below /", EINVAL,
              "The root of this process is no mount, but that of a chroot(2)");
}

Result<void> mount_tmpfs(const std::string& path, unsigned long flags, const std::string& options) {
  if (mount("tmpfs", path.c_str(), "tmpfs", flags, options.c_str()) != 0)
    return mount_refused("mount a tmpfs at", path, errno);
  return {};
}

Result<UniqueFd> copy_tree(const std::string& path) { return copy(path, AT_RECURSIVE); }

Result<UniqueFd> copy_mount(const std::string& path) { return copy(path, 0); }

Result<void> attach(const UniqueFd& tree, const std::string& path) {
  if (move_mount(tree.get(), "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    return mount_refused("mount at", path, errno);
  return {};
}

Result<void> give_to_root(const UniqueFd& file, const std::string& path) {
  // A copy of a mount is a descriptor with O_PATH, which fchown(2) does not take. EINVAL: no such user here.
  if (fchownat(file.get(), "", 0, 0, AT_EMPTY_PATH) != 0 && errno != EINVAL)
    return mount_refused("give to root", path, errno);
  return {};
}

Result<void> make_read_only(const std::string& path) {
  const UniqueFd mount(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!mount.valid()) return mount_refused("make read-only", path, errno);
  return refuse(mount, MOUNT_ATTR_RDONLY, Depth::all_below, path);
}

Result<Tree> take_tree(UniqueFd source, const std::string& shown) {
  constexpr unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
  UniqueFd copied(open_tree(source.get(), "", flags));
  if (copied.valid()) return Tree{std::move(copied), true, shown};
  if (errno == ENOSYS) return Tree{std::move(source), false, shown};
  return mount_refused("copy the mount of", shown, errno);
}

Result<UniqueFd> show(Tree tree, Refusals refusals, const MountPoint& at) {
  struct mount_attr wanted{};
  wanted.attr_set = refusals;
  wanted.propagation = MS_PRIVATE;
  UniqueFd mount;
  // Before anybody can see it, where the kernel can do that.
  const bool changed = tree.is_copy && TRY(change(tree.file, wanted, Depth::all_below, tree.shown));
  if (tree.is_copy) {
    TRY(move_to(tree.file, tree.shown, at));
    mount = std::move(tree.file);
  } else {
    mount = TRY(by_path::bind(tree, at));
  }
  if (changed) return mount;
  TRY(by_path::make_private(mount, at.shown));
  TRY(by_path::refuse(mount, refusals, Depth::all_below, at.shown));
  return mount;
}

Result<UniqueFd> mount_new(const FileSystem& wanted, const MountPoint& at) {
  const UniqueFd context(fits_descriptors(wanted) ? fsopen(wanted.type.c_str(), FSOPEN_CLOEXEC) : -1);
  if (!context.valid() && (errno == ENOSYS || !fits_descriptors(wanted))) return by_path::mount_new(wanted, at);
  if (!context.valid()) return mount_refused("mount " + wanted.type + " at", at.shown, errno);
  TRY(configure(context, wanted, at.shown));
  UniqueFd mount(fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(wanted.refusals)));
  if (!mount.valid()) return mount_refused("mount " + wanted.type + " at", at.shown, errno);
  TRY(move_to(mount, wanted.type, at));
  return mount;
}

Result<void> refuse(const UniqueFd& mount, Refusals refusals, Depth depth, const std::string& shown) {
  struct mount_attr wanted{};
  wanted.attr_set = refusals;
  if (TRY(change(mount, wanted, depth, shown))) return {};
  return by_path::refuse(mount, refusals, depth, shown);
}

}  // namespace wg4::container
