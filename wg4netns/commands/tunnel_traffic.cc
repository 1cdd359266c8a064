#include "wg4netns/commands/tunnel_traffic.h"

#include <algorithm>
#include <chrono>
#include <expected>

#include "wg4netns/core/control.h"
#include "wg4netns/io/clocks.h"
#include "wg4netns/uapi/control_client.h"

namespace wg4 {

std::optional<TunnelTraffic> ask_traffic(const std::string& tunnel) {
  const auto running = find_tunnel(tunnel);
  const auto status = running ? ask_status(*running, own_status_limits) : std::unexpected(running.error());
  if (!status) return std::nullopt;
  TunnelTraffic traffic;
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(read_clocks().wall.time_since_epoch());
  for (const auto& peer : status->peers) {
    traffic.received += peer.rx_bytes;
    traffic.sent += peer.tx_bytes;
    if (!peer.last_handshake) continue;
    const auto then = std::chrono::duration_cast<std::chrono::seconds>(peer.last_handshake->time_since_epoch());
    const auto age = static_cast<std::uint64_t>(std::max<std::int64_t>((now - then).count(), 0));
    traffic.handshake_age = std::min(traffic.handshake_age.value_or(age), age);
  }
  return traffic;
}

}  // namespace wg4
