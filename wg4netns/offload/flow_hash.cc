#include "wg4netns/offload/flow_hash.h"

#include <cstddef>

#include "wg4netns/offload/transport_header.h"

namespace wg4::offload {
namespace {

bool has_ports(std::uint8_t protocol) { return protocol == protocol_tcp || protocol == protocol_udp; }

/// A sum of addresses or ports is the same in both directions.
std::uint32_t add_words(ByteView words) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < words.size(); at += 4) sum += load_be<std::uint32_t>(words.data() + at);
  return sum;
}

std::uint32_t ports(ByteView transport) {
  if (transport.size() < 4) return 0;
  return std::uint32_t{load_be<std::uint16_t>(transport.data())} + load_be<std::uint16_t>(transport.data() + 2);
}

std::uint32_t spread(std::uint32_t sum) {
  sum *= 0x9e3779b1U;  // 2^32 divided by the golden ratio: neighbours end up far apart
  return sum ^ sum >> 16;
}

}  // namespace

std::uint32_t flow_hash(ByteView packet) {
  if (packet.size() >= v6_header_size && packet[0] >> 4 == 6) {
    const std::uint32_t sum = add_words(packet.subspan(v6_addresses, 32));
    return spread(has_ports(packet[v6_next_header]) ? sum + ports(packet.subspan(v6_header_size)) : sum);
  }
  if (packet.size() < v4_header_size) return 0;
  const std::uint32_t sum = add_words(packet.subspan(v4_addresses, 8));
  const std::size_t header = std::size_t{packet[0] & 15U} * 4;
  const bool is_fragment = (load_be<std::uint16_t>(packet.data() + v4_fragment) & 0x3fffU) != 0;
  const bool counts = has_ports(packet[v4_protocol]) && !is_fragment && header <= packet.size();
  return spread(counts ? sum + ports(packet.subspan(header)) : sum);
}

}  // namespace wg4::offload
