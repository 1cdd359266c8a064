#pragma once
// Every drop has a name and a number.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wg4 {

enum class DropReason : std::uint8_t {
  // from the UDP socket
  malformed_message,  ///< unknown type, or a length that does not fit the type
  bad_mac1,
  handshake_queue_full,
  not_configured,      ///< we have no private key
  needs_cookie,        ///< under load; a cookie reply was sent instead
  rate_limited,        ///< under load; mac2 is valid but this source sends too many
  handshake_rejected,  ///< decryption failed, unknown peer, low-order point, or no matching handshake
  handshake_replayed,  ///< TAI64N timestamp not newer
  handshake_flood,     ///< more than 50 initiations a second from one peer
  bad_cookie_reply,
  unknown_index,  ///< no session or handshake has this receiver index
  expired_key,    ///< older than 180 s
  counter_limit,  ///< at or above Reject-After-Messages
  bad_tag,
  replayed_counter,
  inner_malformed,  ///< authenticated, but not a whole IP packet
  inner_source,     ///< source address is not in this peer's AllowedIPs
  // from the TUN
  outbound_malformed,
  no_route,         ///< no AllowedIPs entry for the destination
  no_endpoint,      ///< none was configured and the peer has not been heard from
  staged_overflow,  ///< the oldest staged packet made room
  staged_purged,    ///< the handshake was given up or the peer removed
  packet_too_big,   ///< too big for a datagram once it is sealed
  count_,
};

inline constexpr std::size_t drop_reason_count = static_cast<std::size_t>(DropReason::count_);

/// Stable names for `show`, metrics and logs.
[[nodiscard]] std::string_view name(DropReason reason);

class DropCounters {
 public:
  void add(DropReason reason, std::uint64_t packets = 1) { counts_[static_cast<std::size_t>(reason)] += packets; }
  [[nodiscard]] std::uint64_t operator[](DropReason reason) const { return counts_[static_cast<std::size_t>(reason)]; }

 private:
  std::array<std::uint64_t, drop_reason_count> counts_{};
};

}  // namespace wg4
