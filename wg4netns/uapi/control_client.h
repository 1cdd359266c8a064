#pragma once
// The other end of a control socket: what `show` and `reload` say and hear. It waits for the program at most 10
// seconds, and listens to it only so long: who is at a socket may be another program, or ours no longer.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/core/control.h"
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

/// The process that listens at its socket: what the kernel says, not the tunnel.
[[nodiscard]] Result<pid_t> owner_of(const RunningTunnel& tunnel);

/// What an answer may take.
struct AnswerLimits {
  std::size_t bytes;
  std::chrono::milliseconds time;
};
/// A peer has some 400 bytes, and 40 for each allowed IP: enough for as many peers as a device can have.
inline constexpr AnswerLimits status_limits{.bytes = 512UL << 20, .time = std::chrono::minutes(1)};
inline constexpr AnswerLimits own_status_limits{.bytes = 1UL << 20, .time = std::chrono::seconds(10)};

/// What stock wg(8) sees.
[[nodiscard]] Result<uapi::StatusReader> ask_status(const RunningTunnel& tunnel,
                                                    const AnswerLimits& limits = status_limits);

/// This program's own, in its order: ("mtu", "1420"), ...
using OwnStatus = std::vector<std::pair<std::string, std::string>>;
/// Nothing from another program.
[[nodiscard]] OwnStatus ask_own_status(const RunningTunnel& tunnel, const AnswerLimits& limits = own_status_limits);

/// Has the tunnel look up these names again when their peers do not answer, and no others. Fails with EOPNOTSUPP if it
/// cannot.
[[nodiscard]] Result<void> send_names(const RunningTunnel& tunnel, const std::vector<uapi::NamedEndpoint>& names);

/// A connection that a capture of the tunnel comes from, for who has ended its own half of it until the last packet.
[[nodiscard]] Result<UniqueFd> begin_capture(const RunningTunnel& tunnel, bool with_keys);

/// A descriptor of the tunnel's TUN.
[[nodiscard]] Result<UniqueFd> ask_for_tun(const RunningTunnel& tunnel);
/// Tells the tunnel what its interface has become.
[[nodiscard]] Result<void> send_link(const RunningTunnel& tunnel, const uapi::LinkStatus& link);

[[nodiscard]] Result<void> send_change(const RunningTunnel& tunnel, const DeviceChange& change);

}  // namespace wg4
