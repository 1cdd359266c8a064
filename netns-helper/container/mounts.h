#pragma once
// The mounts of this process' own mount namespace (mount_namespaces(7)), in which it has CAP_SYS_ADMIN. Each error
// names what was refused, and the path.
//
// What is to show through a mount that covers it is copied before (copy_tree), and attached afterwards: a copy is a
// mount that is at no place yet, and ends with its descriptor if it never gets one. Linux 5.2.

#include <string>

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

}  // namespace wg4::container
