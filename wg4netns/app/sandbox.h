#pragma once
// What each process of this program gives up, for good, once it has what it needs.
//
//            capabilities,     empty   Landlock                 system calls
//            new privileges,   root
//            being traced
//   tunnel   none              yes     no files, no TCP         tunnel_syscalls(), else killed
//   resolver none              no      reads files, TCP out     resolver_syscalls(), else refused
//   watcher  none              no      no: it would be blind    watcher_syscalls(), else killed
//   reloader none              no      no: it starts programs   no: likewise
//
// Published ports add to the first that it listens on TCP, and removes the API's socket; a control socket, that it
// takes another UDP port or key, and removes that socket. An interface that wg(8) configures keeps CAP_NET_ADMIN and
// CAP_NET_BIND_SERVICE, for the mark of packets and for ports below 1024. The helper's sandbox is
// netns-helper/sandbox.h.

#include <vector>

#include "shared/base/result.h"
#include "shared/sys/sandbox_mode.h"

namespace wg4 {

/// As the command line asks for it.
struct SandboxOptions {
  SandboxMode mode = SandboxMode::automatic;
  bool root_required = false;     ///< --enable-sandbox: the empty root is an error to be without
  bool seccomp_required = false;  ///< --enable-seccomp: so is the filter
  [[nodiscard]] bool enabled() const { return mode != SandboxMode::off; }
};

/// What a tunnel does besides moving packets.
struct TunnelNeeds {
  bool threads = false;               ///< starts threads later on; else they must have been started, or there are none
  bool control = false;               ///< is configured while it runs: opens a UDP port, locks a key
  bool administration = false;        ///< marks packets and takes ports below 1024 when it is told to: keeps the rights
  bool forwarding = false;            ///< opens ports of the host, at any time, and takes connections there
  bool serving = false;               ///< takes connections of those who want to be told something
  std::vector<int> route_probes{};    ///< UDP sockets that nothing is sent from: which address would be ours?
  std::vector<int> reread_files{};    ///< read again and again, from their beginning
  std::vector<int> unlink_folders{};  ///< O_PATH: where files are removed at the end (UniqueFile::directory())
};

/// For the process that serves a tunnel, when every descriptor is open; before threads start, if there are to be any.
[[nodiscard]] Result<void> confine_tunnel(const SandboxOptions& options, const TunnelNeeds& needs);
/// For the resolver process.
[[nodiscard]] Result<void> confine_resolver(SandboxMode mode);
/// For the process that reloads, which listens to a sandboxed one, and runs this program as its user would.
[[nodiscard]] Result<void> confine_reloader();
/// For the process that watches a target; with `sandboxed`, as far as this host permits.
[[nodiscard]] Result<void> confine_watcher(bool sandboxed);

}  // namespace wg4
