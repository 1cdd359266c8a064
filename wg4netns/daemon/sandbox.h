#pragma once
// What each process of this program gives up, for good, once it has what it needs.
//
//             capabilities,     root          Landlock                 system calls
//             new privileges,   directory
//             being traced
//   tunnel    none              empty         no files, no TCP         tunnel_syscalls(), else killed
//   forwarder none              empty         no files, TCP in         forwarder_syscalls(), else killed
//   ways out  none              empty         no files, TCP to theirs  way_syscalls(), else killed
//   resolver  none              as it was     reads the system's, TCP  resolver_syscalls(), else refused
//   janitor   none              as it was     removes in its folders   janitor_syscalls(), else killed
//   watcher   none              as it was     no: it would be blind    watcher_syscalls(), else killed
//   reloader  none              as it was     no: it starts programs   reloader_syscalls(), else refused
//
// If root starts them, the first four become the user nobody. The next two stay root's, without capabilities: one has
// root's files to remove, the other looks at root's processes. The reloader stays root's as well, since it runs what
// root would run by hand.
//
// The empty root directory comes with new namespaces for System V IPC and the host's name, but not for processes: the
// tunnel has to keep its process id, and a process that has moved to a new PID namespace can start no threads.
//
// With a control socket the tunnel may also take another UDP port or key. An interface that wg(8) configures keeps
// CAP_NET_ADMIN and CAP_NET_BIND_SERVICE, for the mark of packets and for ports below 1024. No process that strangers
// talk to has a descriptor of a folder, or stream sockets of its own making, nor a filter that relies on the number of
// a descriptor. The helper's sandbox is netns-helper/sandbox.h.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/sys/sandbox_mode.h"

namespace wg4 {

/// As the command line asks for it.
struct SandboxOptions {
  SandboxMode mode = SandboxMode::automatic;
  bool root_required = false;     ///< --enable-sandbox: fail without the empty root
  bool seccomp_required = false;  ///< --enable-seccomp: fail without the filter
  [[nodiscard]] bool enabled() const { return mode != SandboxMode::off; }
};

/// What a tunnel does besides moving packets.
struct TunnelNeeds {
  bool threads = false;           ///< starts threads later on; else they must have been started, or there are none
  bool control = false;           ///< is configured while it runs: opens a UDP port, locks a key
  bool administration = false;    ///< sets marks and ports below 1024 when it is told to: keeps the capabilities
  bool serving = false;           ///< accepts connections of clients that ask for metrics
  bool route_probes = false;      ///< connects UDP sockets, to learn which of our addresses the kernel would choose
  bool rereads_files = false;     ///< reads them from their beginning, again and again
  bool leaves_interface = false;  ///< leaves it to the end of its namespace, which comes next
};

/// The parts that this host does not permit and the mode does without, for people.
using SandboxGaps = std::vector<std::string>;

/// For the process that serves a tunnel, when every descriptor is open; before threads start, if there are to be any.
[[nodiscard]] Result<SandboxGaps> confine_tunnel(const SandboxOptions& options, const TunnelNeeds& needs);
/// For the process that publishes ports, when those of the start listen.
[[nodiscard]] Result<void> confine_forwarder(const SandboxOptions& options);
/// For the process for ways out; `tcp_ports` are those that it connects to.
[[nodiscard]] Result<void> confine_ways(const SandboxOptions& options, const std::vector<std::uint16_t>& tcp_ports);
/// For the resolver process.
[[nodiscard]] Result<void> confine_resolver(SandboxMode mode);
/// For the process that reloads: it takes orders of a sandboxed one, and runs this program as its user would.
[[nodiscard]] Result<void> confine_reloader(SandboxMode mode);
/// For the process that watches a target; with `sandboxed`, as far as this host permits.
[[nodiscard]] Result<void> confine_watcher(bool sandboxed);
/// For the process that removes files in `folders` at the end; likewise.
[[nodiscard]] Result<void> confine_janitor(bool sandboxed, std::span<const int> folders);

}  // namespace wg4
