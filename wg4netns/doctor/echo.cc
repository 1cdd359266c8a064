#include "wg4netns/doctor/echo.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "wg4netns/core/inner_packet.h"
#include "wg4netns/offload/checksum.h"
#include "wg4netns/offload/transport_header.h"

namespace wg4::doctor {
namespace {

using namespace offload;

constexpr std::size_t icmp_header_size = 8;
constexpr std::size_t icmp_checksum = 2;
constexpr std::size_t icmp_id = 4;
constexpr std::size_t icmp_sequence = 6;
constexpr std::uint8_t time_to_live = 64;

struct Kind {
  std::size_t header_size;
  std::uint8_t protocol;
  std::uint8_t request;
  std::uint8_t reply;
};
constexpr Kind v4{v4_header_size, 1, 8, 0};
constexpr Kind v6{v6_header_size, 58, 128, 129};

void write_v4_header(ByteSpan packet, const EchoRequest& request) {
  packet[0] = 0x45;
  store_be(&packet[v4_length], static_cast<std::uint16_t>(packet.size()));
  packet[v4_ttl] = time_to_live;
  packet[v4_protocol] = v4.protocol;
  copy_bytes(&packet[v4_addresses], request.source.bytes());
  copy_bytes(&packet[v4_addresses + 4], request.destination.bytes());
  store_checksum(&packet[v4_checksum], add_bytes(0, packet.first(v4_header_size)));
}

void write_v6_header(ByteSpan packet, const EchoRequest& request) {
  packet[0] = 0x60;
  store_be(&packet[v6_length], static_cast<std::uint16_t>(packet.size() - v6_header_size));
  packet[v6_next_header] = v6.protocol;
  packet[v6_hop_limit] = time_to_live;
  copy_bytes(&packet[v6_addresses], request.source.bytes());
  copy_bytes(&packet[v6_addresses + 16], request.destination.bytes());
}

}  // namespace

std::vector<std::uint8_t> make_echo(const EchoRequest& request) {
  const bool is_v4 = request.destination.is_v4();
  const Kind& kind = is_v4 ? v4 : v6;
  std::vector<std::uint8_t> packet(std::max(request.size, min_echo));
  is_v4 ? write_v4_header(packet, request) : write_v6_header(packet, request);
  const ByteSpan icmp = ByteSpan(packet).subspan(kind.header_size);
  icmp[0] = kind.request;
  store_be(&icmp[icmp_id], request.id);
  store_be(&icmp[icmp_sequence], request.sequence);
  const auto length = static_cast<std::uint16_t>(icmp.size());
  const Sum start = is_v4 ? Sum{0} : add_word(pseudo_header(packet.data(), kind.protocol), length);
  store_checksum(&icmp[icmp_checksum], add_bytes(start, icmp));
  return packet;
}

bool answers(ByteView packet, const EchoRequest& request) {
  const auto inner = InnerPacket::parse(packet, packet.size());
  if (!inner || inner->is_v4() != request.destination.is_v4()) return false;
  const Kind& kind = inner->is_v4() ? v4 : v6;
  const std::size_t header = inner->is_v4() ? std::size_t{packet[0] & 15U} * 4 : kind.header_size;
  if (packet.size() < header + icmp_header_size) return false;
  if (packet[inner->is_v4() ? v4_protocol : v6_next_header] != kind.protocol) return false;
  constexpr std::uint16_t offset_bits = 0x1fff;
  if (inner->is_v4() && (load_be<std::uint16_t>(&packet[v4_fragment]) & offset_bits) != 0) return false;
  const ByteView icmp = packet.subspan(header);
  return std::ranges::equal(std::span(inner->source(), request.destination.bytes().size()),
                            request.destination.bytes()) &&
         icmp[0] == kind.reply && load_be<std::uint16_t>(&icmp[icmp_id]) == request.id &&
         load_be<std::uint16_t>(&icmp[icmp_sequence]) == request.sequence;
}

}  // namespace wg4::doctor
