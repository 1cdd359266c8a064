#pragma once
// Lines that the tables of several processes have in common.

#include "shared/sys/seccomp.h"

namespace wg4 {

/// What the C library does in any process of ours: memory, and how a process ends, well or badly. To be called by the
/// process that it is for: a line holds its pid.
[[nodiscard]] SyscallTable runtime_syscalls();

/// TCP and UDP sockets: neither raw nor netlink nor packet nor UNIX sockets, and no other protocol of a kind, which
/// Landlock knows nothing of.
[[nodiscard]] SyscallTable ip_socket_syscalls(const char* reason);

/// The calls that send, but not with MSG_FASTOPEN, by which they connect, too.
[[nodiscard]] SyscallRule sendto_rule(const char* reason);
[[nodiscard]] SyscallRule sendmsg_rule(const char* reason);
[[nodiscard]] SyscallRule sendmmsg_rule(const char* reason);

/// Adds the lines of `more` to `table`.
void append(SyscallTable& table, const SyscallTable& more);

}  // namespace wg4
