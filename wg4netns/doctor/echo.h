#pragma once
// Echo requests (ping) as packets, for a tunnel that has no interface.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"

namespace wg4::doctor {

/// An ICMP or ICMPv6 echo request, `size` bytes with its IP header. Both addresses are of one family.
struct EchoRequest {
  IpAddress source;
  IpAddress destination;
  std::uint16_t id = 0;
  std::uint16_t sequence = 0;
  std::size_t size = 64;
};
inline constexpr std::size_t min_echo = 48;  // what both families need

[[nodiscard]] std::vector<std::uint8_t> make_echo(const EchoRequest& request);
/// Is `packet` the answer to it, or the first fragment of that?
[[nodiscard]] bool answers(ByteView packet, const EchoRequest& request);

}  // namespace wg4::doctor
