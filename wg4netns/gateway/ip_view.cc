#include "wg4netns/gateway/ip_view.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "wg4netns/offload/checksum.h"

namespace wg4::gateway {
namespace {

using offload::Sum;

constexpr std::uint16_t v4_more_fragments = 0x2000;
constexpr std::uint16_t v4_offset_bits = 0x1fff;
constexpr std::uint8_t v6_fragment_header = 44;  // RFC 8200 4.5
constexpr std::size_t v6_fragment_header_size = 8;
constexpr std::uint16_t v6_offset_bits = 0xfff8;
constexpr std::size_t icmp6_checksum = 2;

std::optional<IpView> parse_v4(ByteView packet) {
  if (packet.size() < offload::v4_header_size) return std::nullopt;
  const auto field = load_be<std::uint16_t>(&packet[offload::v4_fragment]);
  const IpView ip{.v4 = true,
                  .fragment = (field & (v4_more_fragments | v4_offset_bits)) != 0,
                  .later_fragment = (field & v4_offset_bits) != 0,
                  .protocol = packet[offload::v4_protocol],
                  .id = load_be<std::uint16_t>(&packet[offload::v4_identification]),
                  .transport = (packet[0] & 0xfU) * 4U,
                  .size = load_be<std::uint16_t>(&packet[offload::v4_length])};
  if (ip.transport < offload::v4_header_size || ip.size < ip.transport || ip.size > packet.size()) return std::nullopt;
  return ip;
}

std::optional<IpView> parse_v6(ByteView packet) {
  if (packet.size() < offload::v6_header_size) return std::nullopt;
  IpView ip{.v4 = false,
            .protocol = packet[offload::v6_next_header],
            .transport = offload::v6_header_size,
            .size = offload::v6_header_size + load_be<std::uint16_t>(&packet[offload::v6_length])};
  if (ip.size > packet.size()) return std::nullopt;
  if (ip.protocol != v6_fragment_header) return ip;
  if (ip.size < ip.transport + v6_fragment_header_size) return std::nullopt;
  const std::uint8_t* header = &packet[ip.transport];
  ip.fragment = true;
  ip.later_fragment = (load_be<std::uint16_t>(header + 2) & v6_offset_bits) != 0;
  ip.protocol = header[0];
  ip.id = load_be<std::uint32_t>(header + 4);
  ip.transport += v6_fragment_header_size;
  return ip;
}

/// The offset of the checksum that covers the pseudo-header; nothing if the packet has none.
std::optional<std::size_t> checksum_field(ByteView packet, const IpView& ip) {
  if (ip.later_fragment) return std::nullopt;
  std::size_t offset = 0;
  if (ip.is_tcp()) {
    offset = offload::tcp_checksum;
  } else if (ip.is_udp()) {
    offset = offload::udp_checksum;
  } else if (!ip.v4 && ip.protocol == protocol_icmp6) {
    offset = icmp6_checksum;
  } else {
    return std::nullopt;
  }
  const std::size_t field = ip.transport + offset;
  if (field + 2 > ip.size) return std::nullopt;
  // With IPv4, a UDP packet may have no checksum.
  if (ip.is_udp() && ip.v4 && load_be<std::uint16_t>(&packet[field]) == 0) return std::nullopt;
  return field;
}

Sum field_value(const std::uint8_t* field) {
  std::uint16_t value = 0;
  std::memcpy(&value, field, sizeof(value));
  return value;
}

/// RFC 1624: ~(~checksum + ~old + new); `difference` is the last two.
void correct(std::uint8_t* field, Sum difference) {
  offload::store_checksum(field, static_cast<std::uint16_t>(~field_value(field)) + difference);
}

}  // namespace

std::optional<IpView> IpView::parse(ByteView packet) {
  if (packet.empty()) return std::nullopt;
  switch (packet[0] >> 4) {
    case 4:
      return parse_v4(packet);
    case 6:
      return parse_v6(packet);
    default:
      return std::nullopt;
  }
}

bool IpView::has_ports() const {
  if (later_fragment || !(is_tcp() || is_udp())) return false;
  return transport + (is_tcp() ? offload::tcp_header_size : offload::udp_header_size) <= size;
}

void replace_address(ByteSpan packet, const IpView& ip, std::size_t offset, ByteView address, bool partial) {
  std::array<std::uint8_t, 16> inverted{};
  const ByteView before = packet.subspan(offset, address.size());
  std::ranges::transform(before, inverted.begin(), [](std::uint8_t byte) { return static_cast<std::uint8_t>(~byte); });
  Sum difference = offload::add_bytes(0, ByteView(inverted).first(address.size()));
  difference = offload::add_bytes(difference, address);

  copy_bytes(&packet[offset], address);
  if (ip.v4) correct(&packet[offload::v4_checksum], difference);
  const auto field = checksum_field(packet, ip);
  if (!field) return;
  std::uint8_t* checksum = &packet[*field];
  if (partial) {
    const std::uint16_t sum = offload::fold(field_value(checksum) + difference);
    std::memcpy(checksum, &sum, sizeof(sum));
    return;
  }
  correct(checksum, difference);
  // For UDP zero would mean "none" (RFC 768).
  if (ip.is_udp() && field_value(checksum) == 0) store_be<std::uint16_t>(checksum, 0xffff);
}

}  // namespace wg4::gateway
