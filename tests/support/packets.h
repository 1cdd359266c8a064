#pragma once
// Makes IP packets for tests, with correct checksums, and verifies them.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "wg4netns/core/inner_packet.h"

namespace wg4::test {

using Bytes = std::vector<std::uint8_t>;

// Literals of a test: the text must be right.
[[nodiscard]] IpAddress ip(std::string_view text);
[[nodiscard]] Prefix prefix(std::string_view text);
[[nodiscard]] Endpoint endpoint(std::string_view text);

enum class Protocol : std::uint8_t { icmp = 1, tcp = 6, udp = 17, icmp6 = 58 };

struct PacketSpec {
  IpAddress source;
  IpAddress destination;  ///< of the same family
  Protocol protocol = Protocol::udp;
  Ecn ecn = Ecn::not_ect;
  Bytes payload{};  ///< behind the TCP, UDP or echo header
  std::uint16_t source_port = 4000;
  std::uint16_t destination_port = 4001;
  std::uint8_t tcp_flags = 0;
  std::uint8_t tcp_header_words = 5;  ///< if more, the payload begins with options
};

[[nodiscard]] Bytes make_packet(const PacketSpec& spec);
/// A UDP packet of `size` bytes in all.
[[nodiscard]] Bytes make_packet_of(std::size_t size, const IpAddress& source, const IpAddress& destination);

/// The IPv4 header's checksum and the one above it.
[[nodiscard]] bool checksums_valid(ByteView packet);
/// The payload behind the headers that make_packet() wrote.
[[nodiscard]] ByteView payload_of(ByteView packet);
[[nodiscard]] Ecn ecn_of(ByteView packet);

}  // namespace wg4::test
