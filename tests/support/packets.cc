#include "tests/support/packets.h"

#include <algorithm>
#include <cstddef>

#include "shared/base/check.h"

namespace wg4::test {
namespace {

constexpr std::size_t v4_header = 20;
constexpr std::size_t v6_header = 40;

std::size_t transport_header(Protocol protocol) { return protocol == Protocol::tcp ? 20 : 8; }

std::size_t checksum_place(Protocol protocol) {
  switch (protocol) {
    case Protocol::tcp:
      return 16;
    case Protocol::udp:
      return 6;
    case Protocol::icmp:
    case Protocol::icmp6:
      return 2;
  }
  return 0;
}

/// RFC 1071, before the last complement.
std::uint32_t add_words(std::uint32_t sum, ByteView bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

bool is_v4(ByteView packet) { return packet[0] >> 4 == 4; }

/// The sum over the pseudo-header and the transport part; 0xffff when the checksum in it is correct.
std::uint32_t transport_sum(ByteView packet) {
  const bool v4 = is_v4(packet);
  const auto protocol = static_cast<Protocol>(v4 ? packet[9] : packet[6]);
  const ByteView transport = packet.subspan(v4 ? v4_header : v6_header);
  if (protocol == Protocol::icmp) return add_words(0, transport);
  std::uint32_t sum = add_words(0, v4 ? packet.subspan(12, 8) : packet.subspan(8, 32));
  sum += static_cast<std::uint32_t>(protocol) + static_cast<std::uint32_t>(transport.size());
  return add_words(sum, transport);
}

Bytes ip_header(const PacketSpec& spec, std::size_t transport_size) {
  const auto protocol = static_cast<std::uint8_t>(spec.protocol);
  const auto ecn = static_cast<std::uint8_t>(spec.ecn);
  if (spec.source.is_v4()) {
    Bytes header(v4_header);
    header[0] = 0x45;
    header[1] = ecn;
    store_be(header.data() + 2, static_cast<std::uint16_t>(v4_header + transport_size));
    header[8] = 64;
    header[9] = protocol;
    std::ranges::copy(spec.source.bytes(), header.begin() + 12);
    std::ranges::copy(spec.destination.bytes(), header.begin() + 16);
    store_be(header.data() + 10, static_cast<std::uint16_t>(~add_words(0, header)));
    return header;
  }
  Bytes header(v6_header);
  header[0] = 0x60;
  header[1] = static_cast<std::uint8_t>(ecn << 4);
  store_be(header.data() + 4, static_cast<std::uint16_t>(transport_size));
  header[6] = protocol;
  header[7] = 64;
  std::ranges::copy(spec.source.bytes(), header.begin() + 8);
  std::ranges::copy(spec.destination.bytes(), header.begin() + 24);
  return header;
}

}  // namespace

IpAddress ip(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  CHECK(parsed.has_value());
  return *parsed;
}

Prefix prefix(std::string_view text) {
  const auto parsed = Prefix::parse(text);
  CHECK(parsed.has_value());
  return *parsed;
}

Endpoint endpoint(std::string_view text) {
  const auto parsed = Endpoint::parse(text);
  CHECK(parsed.has_value());
  return *parsed;
}

Bytes make_packet(const PacketSpec& spec) {
  CHECK(spec.source.family() == spec.destination.family());
  Bytes transport(transport_header(spec.protocol));
  store_be(transport.data(), spec.source_port);  // overwritten for ICMP, like the next
  store_be(transport.data() + 2, spec.destination_port);
  if (spec.protocol == Protocol::udp)
    store_be(transport.data() + 4, static_cast<std::uint16_t>(transport.size() + spec.payload.size()));
  if (spec.protocol == Protocol::tcp) {
    transport[12] = static_cast<std::uint8_t>(spec.tcp_header_words << 4);
    transport[13] = spec.tcp_flags;
  }
  if (spec.protocol == Protocol::icmp || spec.protocol == Protocol::icmp6) {
    transport[0] = spec.protocol == Protocol::icmp ? 8 : 128;  // echo request
    transport[1] = transport[2] = transport[3] = 0;
  }
  transport.insert(transport.end(), spec.payload.begin(), spec.payload.end());

  Bytes packet = ip_header(spec, transport.size());
  const std::size_t start = packet.size();
  packet.insert(packet.end(), transport.begin(), transport.end());
  auto checksum = static_cast<std::uint16_t>(~transport_sum(packet));
  if (checksum == 0 && spec.protocol == Protocol::udp) checksum = 0xffff;
  store_be(packet.data() + start + checksum_place(spec.protocol), checksum);
  return packet;
}

Bytes make_packet_of(std::size_t size, const IpAddress& source, const IpAddress& destination) {
  const std::size_t headers = (source.is_v4() ? v4_header : v6_header) + transport_header(Protocol::udp);
  CHECK(size >= headers);
  Bytes payload(size - headers);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return make_packet({.source = source, .destination = destination, .payload = payload});
}

bool checksums_valid(ByteView packet) {
  if (is_v4(packet) && add_words(0, packet.first(v4_header)) != 0xffff) return false;
  return transport_sum(packet) == 0xffff;
}

ByteView payload_of(ByteView packet) {
  const bool v4 = is_v4(packet);
  const auto protocol = static_cast<Protocol>(v4 ? packet[9] : packet[6]);
  return packet.subspan((v4 ? v4_header : v6_header) + transport_header(protocol));
}

Ecn ecn_of(ByteView packet) { return static_cast<Ecn>((is_v4(packet) ? packet[1] : packet[1] >> 4) & 3); }

}  // namespace wg4::test
