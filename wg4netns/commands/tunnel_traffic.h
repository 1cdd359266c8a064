#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace wg4 {

/// What a tunnel itself says of its traffic.
struct TunnelTraffic {
  std::uint64_t received = 0;  // bytes
  std::uint64_t sent = 0;
  std::optional<std::uint64_t> handshake_age;  ///< seconds, since the last one of any peer
};

/// Nothing if it does not answer at its control socket.
[[nodiscard]] std::optional<TunnelTraffic> ask_traffic(const std::string& tunnel);

}  // namespace wg4
