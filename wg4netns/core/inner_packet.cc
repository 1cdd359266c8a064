#include "wg4netns/core/inner_packet.h"

#include <cstddef>

namespace wg4 {
namespace {

constexpr std::size_t v4_header_size = 20;
constexpr std::size_t v6_header_size = 40;

/// The traffic class straddles the first two bytes of an IPv6 header; its ECN bits are in the second.
constexpr unsigned v6_ecn_shift = 4;

/// RFC 1624: the header checksum after one 16-bit word of the header went from `before` to `after`.
std::uint16_t update_checksum(std::uint16_t checksum, std::uint16_t before, std::uint16_t after) {
  std::uint32_t sum = static_cast<std::uint16_t>(~checksum);
  sum += static_cast<std::uint16_t>(~before);
  sum += after;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

/// RFC 6040, figure 4.
Ecn combine_ecn(Ecn inner, Ecn outer) {
  if (inner == Ecn::not_ect) return inner;
  if (outer == Ecn::ce) return outer;
  return inner == Ecn::ect0 && outer == Ecn::ect1 ? outer : inner;
}

}  // namespace

std::optional<InnerPacket> InnerPacket::parse(ByteView bytes, std::size_t available) {
  if (bytes.empty()) return std::nullopt;
  const unsigned version = bytes[0] >> 4;
  if (version == 4 && bytes.size() >= v4_header_size) {
    const std::size_t header_length = (bytes[0] & 0xfU) * 4U;
    const std::size_t length = load_be<std::uint16_t>(bytes.data() + 2);
    if (header_length < v4_header_size || length < header_length || length > available) return std::nullopt;
    return InnerPacket(bytes.data(), true, length);
  }
  if (version == 6 && bytes.size() >= v6_header_size) {
    const std::size_t length = v6_header_size + load_be<std::uint16_t>(bytes.data() + 4);
    if (length > available) return std::nullopt;
    return InnerPacket(bytes.data(), false, length);
  }
  return std::nullopt;
}

Ecn InnerPacket::ecn() const {
  const unsigned bits = v4_ ? header_[1] : static_cast<unsigned>(header_[1] >> v6_ecn_shift);
  return static_cast<Ecn>(bits & 3U);
}

Ecn encapsulate_ecn(Ecn inner) { return inner == Ecn::ce ? Ecn::ect0 : inner; }

void decapsulate_ecn(Ecn outer, ByteSpan packet) {
  const bool v4 = packet[0] >> 4 == 4;
  const unsigned shift = v4 ? 0 : v6_ecn_shift;
  const auto inner = static_cast<Ecn>((packet[1] >> shift) & 3U);
  const unsigned flipped = static_cast<unsigned>(inner) ^ static_cast<unsigned>(combine_ecn(inner, outer));
  if (flipped == 0) return;
  const auto before = load_be<std::uint16_t>(packet.data());
  packet[1] = static_cast<std::uint8_t>(packet[1] ^ (flipped << shift));
  if (!v4) return;
  const auto after = load_be<std::uint16_t>(packet.data());
  store_be(packet.data() + 10, update_checksum(load_be<std::uint16_t>(packet.data() + 10), before, after));
}

}  // namespace wg4
