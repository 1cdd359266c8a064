#pragma once
// Lines that the tables of several processes have in common.

#include "shared/sys/seccomp.h"

namespace wg4 {

/// What the C library does in any process of ours: memory, and how a process ends, well or badly. To be called by the
/// process that it is for: a line holds its pid.
[[nodiscard]] SyscallTable runtime_syscalls();

/// TCP and UDP sockets: neither raw nor netlink nor packet nor UNIX sockets.
[[nodiscard]] SyscallTable ip_socket_syscalls(const char* reason);

/// Adds the lines of `more` to `table`.
void append(SyscallTable& table, const SyscallTable& more);

}  // namespace wg4
