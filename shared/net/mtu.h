#pragma once

#include <cstdint>

namespace wg4 {

// What every link of the protocol carries, in bytes; with less the kernel does without it.
inline constexpr std::uint16_t min_ipv4_mtu = 68;    // RFC 791
inline constexpr std::uint16_t min_ipv6_mtu = 1280;  // RFC 8200

}  // namespace wg4
