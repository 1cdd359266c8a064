#pragma once
// The system calls of each process of this program. A call is here because a run of the tests makes it, or because
// code makes it that no test can reach.

#include <span>

#include "shared/sys/seccomp.h"
#include "wg4netns/daemon/sandbox.h"

namespace wg4 {

/// Of a tunnel that is about to serve. To be called by the process that it is for: some rules hold its pid.
[[nodiscard]] SyscallTable tunnel_syscalls(const TunnelNeeds& needs);
/// Of the process that publishes ports.
[[nodiscard]] SyscallTable forwarder_syscalls();
/// Of the process for ways out. It makes no listeners.
[[nodiscard]] SyscallTable way_syscalls();

/// Of the resolver. NSS modules of the system run in it: so there are more, and other calls are refused, and do not
/// kill it. It has no UNIX sockets: through their paths, which Landlock does not check, it could reach any of the
/// user's services. A module that asks a service of the system fails, as it does where that service does not run.
[[nodiscard]] SyscallTable resolver_syscalls();
/// Of the process that reloads, and of all that it starts, which inherits this: `wireguard4netns reload`, resolvers,
/// and helpers that join namespaces. Nothing of these writes to a file, removes one, or sends a signal.
[[nodiscard]] SyscallTable reloader_syscalls();
/// Of the process that watches for the end of a namespace.
[[nodiscard]] SyscallTable watcher_syscalls();
/// Of the process that removes files in `folders`, which are descriptors, and nowhere else.
[[nodiscard]] SyscallTable janitor_syscalls(std::span<const int> folders);

}  // namespace wg4
