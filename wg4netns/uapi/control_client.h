#pragma once
// The client of a control socket, for `show` and `reload`. Waiting times and answers are limited (10 seconds for each
// step), since the program at the socket may be another one, or hang.

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

/// A running tunnel.
struct RunningTunnel {
  std::string name;  ///< of its socket, without the ".sock"
  std::string path;  ///< of its socket
};

/// All running tunnels, sorted by name. Sockets without a listener are left out.
[[nodiscard]] std::vector<RunningTunnel> find_tunnels();
[[nodiscard]] Result<RunningTunnel> find_tunnel(const std::string& name);

/// The process that listens at its socket, as the kernel reports it, not the tunnel.
[[nodiscard]] Result<pid_t> owner_of(const RunningTunnel& tunnel);

/// Limits of an answer.
struct AnswerLimits {
  std::size_t bytes;
  std::chrono::milliseconds time;
};
/// A peer has some 400 bytes, and 40 for each allowed IP: enough for as many peers as a device can have.
inline constexpr AnswerLimits status_limits{.bytes = 512UL << 20, .time = std::chrono::minutes(1)};
inline constexpr AnswerLimits own_status_limits{.bytes = 1UL << 20, .time = std::chrono::seconds(10)};

/// The status that stock wg(8) sees.
[[nodiscard]] Result<uapi::StatusReader> ask_status(const RunningTunnel& tunnel,
                                                    const AnswerLimits& limits = status_limits);

/// This program's own status, in the order of the answer: ("mtu", "1420"), ...
using OwnStatus = std::vector<std::pair<std::string, std::string>>;
/// Empty if the socket is another program's.
[[nodiscard]] OwnStatus ask_own_status(const RunningTunnel& tunnel, const AnswerLimits& limits = own_status_limits);

/// Replaces the names that the tunnel looks up again when their peers do not answer. Fails with EOPNOTSUPP if the
/// tunnel cannot look up names.
[[nodiscard]] Result<void> send_names(const RunningTunnel& tunnel, const std::vector<uapi::NamedEndpoint>& names);

/// Starts a capture and returns the connection that it comes from. After shutdown(2) of the sending half, the capture
/// ends with the last packet so far.
[[nodiscard]] Result<UniqueFd> begin_capture(const RunningTunnel& tunnel, bool with_keys);

/// Returns a descriptor of the tunnel's TUN.
[[nodiscard]] Result<UniqueFd> ask_for_tun(const RunningTunnel& tunnel);
/// Tells the tunnel the new settings of its interface.
[[nodiscard]] Result<void> send_link(const RunningTunnel& tunnel, const uapi::LinkStatus& link);

[[nodiscard]] Result<void> send_change(const RunningTunnel& tunnel, const DeviceChange& change);

}  // namespace wg4
