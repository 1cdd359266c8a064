#pragma once
// The other end of a control socket: what `show` and `reload` say and hear. It waits for the program at most 10
// seconds.

#include <string>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/uapi/codec.h"

namespace wg4 {

/// A tunnel that runs.
struct RunningTunnel {
  std::string name;  ///< of its socket, without the ".sock"
  std::string path;  ///< of its socket
};

/// By name. Sockets that nobody listens on do not count.
[[nodiscard]] std::vector<RunningTunnel> find_tunnels();
[[nodiscard]] Result<RunningTunnel> find_tunnel(const std::string& name);

/// What stock wg(8) sees.
[[nodiscard]] Result<uapi::StatusReader> ask_status(const RunningTunnel& tunnel);

/// This program's own, in its order: ("mtu", "1420"), ...
using OwnStatus = std::vector<std::pair<std::string, std::string>>;
/// Nothing from another program.
[[nodiscard]] OwnStatus ask_own_status(const RunningTunnel& tunnel);

/// Has the tunnel look up these names again when their peers do not answer, and no others. Fails with EOPNOTSUPP if it
/// cannot.
[[nodiscard]] Result<void> send_names(const RunningTunnel& tunnel, const std::vector<uapi::NamedEndpoint>& names);

/// A connection that a capture of the tunnel comes from, for who has ended its own half of it until the last packet.
[[nodiscard]] Result<UniqueFd> begin_capture(const RunningTunnel& tunnel, bool with_keys);

[[nodiscard]] Result<void> send_change(const RunningTunnel& tunnel, const DeviceChange& change);

}  // namespace wg4
