#pragma once
// Lines that several processes have in their tables.

#include "shared/sys/seccomp.h"

namespace wg4 {

/// Calls of the C library in every process: for memory, and for the end of the process, also after an error. To be
/// called in the process itself, since a line has its pid.
[[nodiscard]] SyscallTable runtime_syscalls();

/// TCP and UDP sockets only: no raw, netlink, packet or UNIX sockets, and no other stream or datagram protocols, which
/// Landlock does not cover.
[[nodiscard]] SyscallTable ip_socket_syscalls(const char* reason);

/// sendto(2), but not with MSG_FASTOPEN, which also connects.
[[nodiscard]] SyscallRule sendto_rule(const char* reason);
[[nodiscard]] SyscallRule sendmsg_rule(const char* reason);
[[nodiscard]] SyscallRule sendmmsg_rule(const char* reason);

/// Adds the lines of `more` to `table`.
void append(SyscallTable& table, const SyscallTable& more);

}  // namespace wg4
