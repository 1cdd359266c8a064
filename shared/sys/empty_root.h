#pragma once
// An empty root directory (mount_namespaces(7), pivot_root(2)): no path can be opened any more, whatever other rules
// allow. If the kernel has such namespaces, the process also leaves those of System V IPC and of the host name.

#include "shared/base/result.h"

namespace wg4 {

/// Moves this single-threaded process, for good, to a mount namespace whose root is an empty directory that cannot be
/// written to. Without CAP_SYS_ADMIN this takes a new user namespace, in which no id is mapped: rights from owning
/// other user namespaces end there. Open descriptors stay usable.
[[nodiscard]] Result<void> enter_empty_root();

}  // namespace wg4
