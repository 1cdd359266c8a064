#pragma once
// The system calls of each process of this program. A call is here because a run of the tests makes it, or because a
// path that no test can take would.

#include <span>

#include "shared/sys/seccomp.h"
#include "wg4netns/daemon/sandbox.h"

namespace wg4 {

/// Of a tunnel that is about to serve. To be called by the process that it is for: some lines hold its pid.
[[nodiscard]] SyscallTable tunnel_syscalls(const TunnelNeeds& needs);
/// Of the process that publishes ports.
[[nodiscard]] SyscallTable forwarder_syscalls();

/// Of the resolver. NSS modules of the system run in it: wider, and what is missing is refused, not killed. No UNIX
/// sockets: by their paths, which Landlock does not look at, it would reach each of the user's services. Modules that
/// ask one of the system's are passed over, as where that does not run.
[[nodiscard]] SyscallTable resolver_syscalls();
/// Of the process that reloads, and of all that it starts, which inherits this: `wireguard4netns reload`, resolvers,
/// and helpers that join namespaces. Nothing of these writes to a file, removes one, or sends a signal.
[[nodiscard]] SyscallTable reloader_syscalls();
/// Of the process that watches for the end of a namespace.
[[nodiscard]] SyscallTable watcher_syscalls();
/// Of the process that removes files in `folders`, which are descriptors, and gets no others.
[[nodiscard]] SyscallTable janitor_syscalls(std::span<const int> folders);

}  // namespace wg4
