#pragma once
// The mounts of this process' own mount namespace (mount_namespaces(7)), in which it has CAP_SYS_ADMIN. Each error
// names what was refused, and the path.
//
// What is to show through a mount that covers it is copied before (copy_tree), and attached afterwards: a copy is a
// mount that is at no place yet, and ends with its descriptor if it never gets one. Linux 5.2.
//
// Operations of a new root mount by descriptors (Tree, FileSystem), and on an older kernel by mount(2)
// (mount_by_path.h).

#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {

/// From now on no mount that is made here appears on the host. What the host mounts still appears here, where it is not
/// covered.
[[nodiscard]] Result<void> keep_mounts_here();

/// Mounts a new tmpfs, with flags of mount(2) and its own options (tmpfs(5)): "mode=0755,size=1m".
[[nodiscard]] Result<void> mount_tmpfs(const std::string& path, unsigned long flags, const std::string& options);

/// A copy of what is seen at `path`, a folder or another file, with all mounts below.
[[nodiscard]] Result<UniqueFd> copy_tree(const std::string& path);
/// A copy of the one mount at `path`: it has read-only and other flags of its own from then on.
[[nodiscard]] Result<UniqueFd> copy_mount(const std::string& path);
/// Mounts a copy at `path`, where there is something of the same kind, a folder or not.
[[nodiscard]] Result<void> attach(const UniqueFd& tree, const std::string& path);

/// Gives what is open, a file or a mount's root, to root; without an effect if the user namespace has no root.
[[nodiscard]] Result<void> give_to_root(const UniqueFd& file, const std::string& path);

/// Nothing can be written to the mount at `path`, nor to those below it. Their other flags stay: a less privileged
/// mount namespace may not lift them.
[[nodiscard]] Result<void> make_read_only(const std::string& path);

/// What a mount refuses: MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC.
using Refusals = std::uint64_t;

/// Of one mount, or also of those below.
enum class Depth : std::uint8_t { one_mount, all_below };

/// A place at which something is to be mounted.
struct MountPoint {
  UniqueFd file;      ///< what is there, open with O_PATH
  UniqueFd folder;    ///< a folder from which
  std::string path;   ///< this path leads there (rooted_path.h)
  std::string shown;  ///< its name for errors
};

/// What is seen at a place, with all mounts below, to be shown at another one.
struct Tree {
  UniqueFd file;
  bool is_copy = true;  ///< a mount of its own; else what was open, before Linux 5.2
  std::string shown;    ///< its name for errors
};

/// `source` is open with O_PATH, and in this mount namespace.
[[nodiscard]] Result<Tree> take_tree(UniqueFd source, const std::string& shown);
/// Mounts it, with `refusals` for all of its mounts beside those that they have. What the host mounts below its source
/// later does not appear. Returns the root of what is mounted.
[[nodiscard]] Result<UniqueFd> show(Tree tree, Refusals refusals, const MountPoint& at);

/// A file system that is made when it is mounted.
struct FileSystem {
  std::string type;
  Refusals refusals = 0;
  std::vector<std::pair<std::string, std::string>> options{};  ///< one without a value is a flag
};

/// Makes and mounts it. Returns its root.
[[nodiscard]] Result<UniqueFd> mount_new(const FileSystem& wanted, const MountPoint& at);

/// Has the mount whose root is open refuse these, too. EINVAL: it is not a mount's root.
[[nodiscard]] Result<void> refuse(const UniqueFd& mount, Refusals refusals, Depth depth, const std::string& shown);

/// The error of a step that the kernel has refused.
[[nodiscard]] std::unexpected<Error> mount_refused(const std::string& step, const std::string& path, int number);

}  // namespace wg4::container
