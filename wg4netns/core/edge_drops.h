#pragma once

#include <cstdint>

namespace wg4 {

/// What the edges could not pass on: counts, where the core has DropReasons.
struct EdgeDrops {
  std::uint64_t tun_malformed = 0;  ///< frames of the TUN that made no sense
  std::uint64_t tun_refused = 0;    ///< inner packets, or groups of them, that the TUN did not take
  std::uint64_t udp_refused = 0;    ///< runs of datagrams that the system refused
  std::uint64_t udp_overflow = 0;   ///< runs of datagrams that found no room

  /// What a part of a sum, which was `before`, has become.
  void move(const EdgeDrops& before, const EdgeDrops& after) {
    tun_malformed += after.tun_malformed - before.tun_malformed;
    tun_refused += after.tun_refused - before.tun_refused;
    udp_refused += after.udp_refused - before.udp_refused;
    udp_overflow += after.udp_overflow - before.udp_overflow;
  }
  friend bool operator==(const EdgeDrops&, const EdgeDrops&) = default;
};

}  // namespace wg4
