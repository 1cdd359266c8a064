#pragma once
// The system calls of each process of this program. A call is here because a run of the tests makes it, or because a
// path that no test can take would.

#include "shared/sys/seccomp.h"
#include "wg4netns/app/sandbox.h"

namespace wg4 {

/// Of a tunnel that is about to serve. To be called by the process that it is for: some lines hold its pid.
[[nodiscard]] SyscallTable tunnel_syscalls(const TunnelNeeds& needs);
/// Of the resolver. NSS modules of the system run in it: wider, and what is missing is refused, not killed.
[[nodiscard]] SyscallTable resolver_syscalls();
/// Of the process that watches for the end of a namespace.
[[nodiscard]] SyscallTable watcher_syscalls();

}  // namespace wg4
