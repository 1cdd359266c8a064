#pragma once
// Turns a process of root into one of the user nobody, who owns no files and may not signal other users' processes.

#include <cstdint>

#include "shared/base/result.h"

namespace wg4 {

/// Is this process root on the host? Root of a user namespace is an ordinary user. Reads /proc.
[[nodiscard]] bool is_root_of_host();

/// Takes the ids of nobody, for good, and keeps only the capabilities in `rights` (as keep_capabilities()). Needs
/// CAP_SETUID and CAP_SETGID. If the end of our parent kills this process, it still does; but the end of this process
/// no longer kills a child that stays root: the child must watch for it.
[[nodiscard]] Result<void> become_nobody(std::uint64_t rights);

}  // namespace wg4
