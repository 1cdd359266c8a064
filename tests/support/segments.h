#pragma once
// TCP and UDP packets with every header field in the test's hand, and a second, plain way to cut a super-packet.

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
  std::uint8_t flow = 0;  ///< makes addresses and ports
  std::uint8_t tos = 0;
  std::uint8_t ttl = 64;
  std::uint16_t id = 0;
  std::uint16_t fragment = 0x4000;  ///< flags and offset; DF unless told
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

/// A payload that tells where it is from.
[[nodiscard]] Bytes pattern(std::size_t size, std::size_t start = 0);

/// The whole packet, with right lengths and checksums.
[[nodiscard]] Bytes make_segment(const SegmentSpec& spec);
/// The same as the kernel gives it to a TUN: virtio header, and a checksum that is only begun.
[[nodiscard]] Bytes make_super_frame(const SegmentSpec& spec, std::size_t gso_size);

/// RFC 1071, byte by byte, complemented. Of 64 KiB at most.
[[nodiscard]] std::uint16_t naive_checksum(ByteView bytes, std::uint32_t sum = 0);
/// Writes the checksums of IPv4 and of the TCP or UDP header at `transport`.
void set_checksums(ByteSpan packet, std::size_t transport, bool tcp);
/// Leaves in the checksum field what a super-packet has there: the pseudo-header's sum.
void begin_checksum(ByteSpan packet, std::size_t transport, bool tcp);

/// What is to come of a super-packet whose headers are sound.
[[nodiscard]] std::vector<Bytes> cut_by_hand(ByteView packet, std::size_t transport, bool tcp, std::size_t gso_size);

/// Names the flow of a TCP or UDP packet; empty when that cannot be told from the packet alone.
[[nodiscard]] std::string flow_of(ByteView packet);

}  // namespace wg4::test
