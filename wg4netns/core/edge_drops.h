#pragma once

#include <cstdint>

namespace wg4 {

/// Drops at the edges, which are only counted; the core's drops have DropReasons.
struct EdgeDrops {
  std::uint64_t tun_malformed = 0;  ///< malformed frames of the TUN
  std::uint64_t tun_refused = 0;    ///< inner packets, or groups of them, that the TUN did not take
  std::uint64_t udp_refused = 0;    ///< runs of datagrams that the system refused
  std::uint64_t udp_overflow = 0;   ///< runs of datagrams that found no room

  /// Updates a sum after one of its parts has gone from `before` to `after`.
  void move(const EdgeDrops& before, const EdgeDrops& after) {
    tun_malformed += after.tun_malformed - before.tun_malformed;
    tun_refused += after.tun_refused - before.tun_refused;
    udp_refused += after.udp_refused - before.udp_refused;
    udp_overflow += after.udp_overflow - before.udp_overflow;
  }
  friend bool operator==(const EdgeDrops&, const EdgeDrops&) = default;
};

}  // namespace wg4
