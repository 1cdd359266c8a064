#pragma once
// Where the parts of an IP packet are, and how to replace an address in it together with the checksums that cover it.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "shared/base/bytes.h"
#include "wg4netns/offload/transport_header.h"

namespace wg4::gateway {

inline constexpr std::uint8_t protocol_icmp = 1;
inline constexpr std::uint8_t protocol_icmp6 = 58;

struct IpView {
  bool v4 = true;
  bool fragment = false;        ///< any piece of a larger packet
  bool later_fragment = false;  ///< any but the first: it has no transport header
  std::uint8_t protocol = 0;    ///< TCP, UDP, ...; with IPv6 the next header behind a fragment header, if there is one
  std::uint32_t id = 0;         ///< identification that the fragments share
  std::size_t transport = 0;    ///< offset of what follows the IP header, in bytes; may be the packet's end
  std::size_t size = 0;         ///< of the packet by its header, in bytes

  /// Nothing when `packet` does not begin with a whole header, or is shorter than the header says.
  [[nodiscard]] static std::optional<IpView> parse(ByteView packet);

  [[nodiscard]] std::size_t source() const { return v4 ? offload::v4_addresses : offload::v6_addresses; }
  [[nodiscard]] std::size_t destination() const { return source() + address_size(); }
  [[nodiscard]] std::size_t address_size() const { return v4 ? 4 : 16; }
  [[nodiscard]] bool is_tcp() const { return protocol == offload::protocol_tcp; }
  [[nodiscard]] bool is_udp() const { return protocol == offload::protocol_udp; }
  /// The whole TCP (20 bytes) or UDP header is there.
  [[nodiscard]] bool has_ports() const;
};

/// Puts `address` at `offset` (source() or destination()), and corrects the header's checksum and that of TCP, UDP or
/// ICMPv6 by the difference. `partial`: the latter is left to finish, its field holds the sum of the pseudo-header.
void replace_address(ByteSpan packet, const IpView& ip, std::size_t offset, ByteView address, bool partial);

}  // namespace wg4::gateway
