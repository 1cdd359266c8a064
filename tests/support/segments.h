#pragma once
// TCP and UDP packets in which a test can set every header field, and a second, plain way to cut a super-packet.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/bytes.h"

namespace wg4::test {

using Bytes = std::vector<std::uint8_t>;

struct SegmentSpec {
  bool v4 = true;
  bool tcp = true;
  std::uint8_t flow = 0;  ///< determines addresses and ports
  std::uint8_t tos = 0;
  std::uint8_t ttl = 64;
  std::uint16_t id = 0;
  std::uint16_t fragment = 0x4000;  ///< flags and offset; DF by default
  std::uint32_t flow_label = 0;
  Bytes ip_options{};  ///< IPv4: a multiple of 4 bytes. IPv6: whole destination options, whose first byte is filled in
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint8_t flags = 0x10;  ///< of TCP; ACK
  std::uint16_t window = 1000;
  std::uint16_t urgent = 0;
  Bytes tcp_options{};  ///< a multiple of 4 bytes
  Bytes payload{};

  [[nodiscard]] std::size_t transport() const { return (v4 ? 20U : 40U) + ip_options.size(); }
  [[nodiscard]] std::size_t headers() const { return transport() + (tcp ? 20 + tcp_options.size() : 8); }
};

/// A payload whose bytes depend on their position.
[[nodiscard]] Bytes pattern(std::size_t size, std::size_t start = 0);

/// The whole packet, with correct lengths and checksums.
[[nodiscard]] Bytes make_segment(const SegmentSpec& spec);
/// The same as the kernel gives it to a TUN: with a virtio header, and a checksum that is left to finish.
[[nodiscard]] Bytes make_super_frame(const SegmentSpec& spec, std::size_t gso_size);

/// RFC 1071, byte by byte, complemented. Of 64 KiB at most.
[[nodiscard]] std::uint16_t naive_checksum(ByteView bytes, std::uint32_t sum = 0);
/// Writes the checksums of IPv4 and of the TCP or UDP header at `transport`.
void set_checksums(ByteSpan packet, std::size_t transport, bool tcp);
/// Puts the sum of the pseudo-header into the checksum field, as in a super-packet.
void begin_checksum(ByteSpan packet, std::size_t transport, bool tcp);

/// The expected pieces of a super-packet with valid headers.
[[nodiscard]] std::vector<Bytes> cut_by_hand(ByteView packet, std::size_t transport, bool tcp, std::size_t gso_size);

/// The flow of a TCP or UDP packet; empty when the packet alone does not show it.
[[nodiscard]] std::string flow_of(ByteView packet);

}  // namespace wg4::test
