#include "wg4netns/gateway/mss_clamp.h"

#include <bit>
#include <cstddef>

#include "wg4netns/offload/checksum.h"
#include "wg4netns/offload/transport_header.h"

namespace wg4::gateway {
namespace {

constexpr std::uint8_t tcp_syn = 0x02;
constexpr std::uint8_t option_end = 0;
constexpr std::uint8_t option_nothing = 1;
constexpr std::uint8_t option_mss = 2;  // RFC 9293 3.7.1
constexpr std::size_t option_mss_size = 4;

/// Offset of the option's value; 0 if there is none.
std::size_t find_mss(ByteView packet, std::size_t at, std::size_t end) {
  while (at + 1 < end && packet[at] != option_end) {
    if (packet[at] == option_nothing) {
      ++at;
      continue;
    }
    const std::size_t size = packet[at + 1];
    if (size < 2 || at + size > end) return 0;
    if (packet[at] == option_mss) return size == option_mss_size ? at + 2 : 0;
    at += size;
  }
  return 0;
}

}  // namespace

void clamp_mss(ByteSpan packet, const IpView& ip, std::size_t mtu, bool partial) {
  if (!ip.is_tcp() || !ip.has_ports() || ip.fragment) return;
  const std::size_t tcp = ip.transport;
  if ((packet[tcp + offload::tcp_flags] & tcp_syn) == 0) return;
  const std::size_t header = (packet[tcp + offload::tcp_data_offset] >> 4) * 4U;
  if (header < offload::tcp_header_size || tcp + header > ip.size) return;
  const std::size_t at = find_mss(packet, tcp + offload::tcp_header_size, tcp + header);
  const std::size_t headers = (ip.v4 ? offload::v4_header_size : offload::v6_header_size) + offload::tcp_header_size;
  if (at == 0 || mtu <= headers) return;
  const auto largest = static_cast<std::uint16_t>(mtu - headers);
  const auto announced = load_be<std::uint16_t>(&packet[at]);
  if (announced <= largest) return;

  store_be(&packet[at], largest);
  if (partial) return;  // the checksum does not cover the segment yet
  // At an odd offset the two bytes are swapped in the sum.
  auto before = announced;
  auto after = largest;
  if ((at - tcp) % 2 == 1) {
    before = std::byteswap(before);
    after = std::byteswap(after);
  }
  std::uint8_t* field = &packet[tcp + offload::tcp_checksum];
  offload::Sum sum = offload::add_word(0, static_cast<std::uint16_t>(~load_be<std::uint16_t>(field)));
  sum = offload::add_word(offload::add_word(sum, static_cast<std::uint16_t>(~before)), after);
  offload::store_checksum(field, sum);
}

}  // namespace wg4::gateway
