#pragma once
// A file system with nothing in it (mount_namespaces(7), pivot_root(2)): paths lead nowhere any more, whatever the
// process is still allowed to open. With it go, where the kernel has such namespaces, System V's ways between processes
// and the host's name.

#include "shared/base/result.h"

namespace wg4 {

/// Moves this single-threaded process, for good, to a mount namespace whose root is an empty directory that cannot be
/// written to. Without CAP_SYS_ADMIN it takes a new user namespace, in which nothing is mapped: rights that come from
/// owning other user namespaces end there. Descriptors that are open stay usable.
[[nodiscard]] Result<void> enter_empty_root();

}  // namespace wg4
