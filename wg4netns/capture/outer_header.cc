#include "wg4netns/capture/outer_header.h"

#include <cstddef>

#include "shared/base/check.h"
#include "wg4netns/offload/checksum.h"

namespace wg4::capture {
namespace {

constexpr std::size_t ipv4_size = 20;
constexpr std::size_t ipv6_size = 40;
constexpr std::size_t udp_size = 8;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t hops = 64;

/// A length field; 0 for a length that does not fit, as in a jumbogram (RFC 2675).
std::uint16_t field(std::size_t length) { return length > UINT16_MAX ? 0 : static_cast<std::uint16_t>(length); }

}  // namespace

OuterHeader::OuterHeader(const Endpoint& from, const Endpoint& to, std::uint8_t tos, ByteView payload)
    : size_((from.address.is_v4() ? ipv4_size : ipv6_size) + udp_size) {
  CHECK(from.address.family() == to.address.family());
  std::uint8_t* const ip = bytes_.data();
  std::uint8_t* const udp = ip + size_ - udp_size;
  const std::size_t length = udp_size + payload.size();
  if (from.address.is_v4()) {
    ip[0] = 0x45;
    ip[1] = tos;
    store_be(ip + 2, field(ipv4_size + length));
    ip[8] = hops;
    ip[9] = protocol_udp;
    copy_bytes(ip + 12, from.address.bytes());
    copy_bytes(ip + 16, to.address.bytes());
    offload::store_checksum(ip + 10, offload::add_bytes(0, ByteView(bytes_).first(ipv4_size)));
  } else {
    store_be(ip, 0x60000000U | std::uint32_t{tos} << 20);
    store_be(ip + 4, field(length));
    ip[6] = protocol_udp;
    ip[7] = hops;
    copy_bytes(ip + 8, from.address.bytes());
    copy_bytes(ip + 24, to.address.bytes());
  }
  store_be(udp, from.port);
  store_be(udp + 2, to.port);
  store_be(udp + 4, field(length));
  offload::Sum sum = offload::pseudo_header(ip, protocol_udp);
  sum = offload::add_word(sum, static_cast<std::uint16_t>(length >> 16));
  sum = offload::add_word(sum, static_cast<std::uint16_t>(length));
  sum = offload::add_bytes(sum, {udp, udp_size});
  offload::store_checksum(udp + 6, offload::add_bytes(sum, payload));
  // 0 is sent as 0xffff, since 0 means "no checksum" (RFC 768).
  if (udp[6] == 0 && udp[7] == 0) udp[6] = udp[7] = 0xff;
}

}  // namespace wg4::capture
