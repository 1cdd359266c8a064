#include "tests/support/segments.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "wg4netns/offload/virtio_net_header.h"

namespace wg4::test {
namespace {

constexpr std::uint8_t tcp_protocol = 6;
constexpr std::uint8_t udp_protocol = 17;
constexpr std::uint8_t destination_options = 60;

void put16(Bytes& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

void put32(Bytes& to, std::uint32_t value) {
  put16(to, value >> 16);
  put16(to, value & 0xffff);
}

void put(Bytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

bool is_v4(ByteView packet) { return packet[0] >> 4 == 4; }

std::size_t checksum_place(std::size_t transport, bool tcp) { return transport + (tcp ? 16 : 6); }

/// Not folded.
std::uint32_t pseudo_sum(ByteView packet, std::size_t transport, bool tcp) {
  Bytes pseudo;
  put(pseudo, is_v4(packet) ? packet.subspan(12, 8) : packet.subspan(8, 32));
  put16(pseudo, tcp ? tcp_protocol : udp_protocol);
  put16(pseudo, packet.size() - transport);
  return static_cast<std::uint16_t>(~naive_checksum(pseudo));
}

void put_ip_header(Bytes& to, const SegmentSpec& spec, std::size_t length) {
  const std::uint8_t protocol = spec.tcp ? tcp_protocol : udp_protocol;
  if (spec.v4) {
    to.push_back(static_cast<std::uint8_t>(0x45 + spec.ip_options.size() / 4));
    to.push_back(spec.tos);
    put16(to, length);
    put16(to, spec.id);
    put16(to, spec.fragment);
    put(to, Bytes{spec.ttl, protocol, 0, 0, 10, 0, 0, spec.flow, 10, 1, 0, 1});
    return put(to, spec.ip_options);
  }
  put32(to, 0x60000000U | std::uint32_t{spec.tos} << 20 | spec.flow_label);
  put16(to, length - 40);
  put(to, Bytes{spec.ip_options.empty() ? protocol : destination_options, spec.ttl});
  for (const std::uint8_t last : {spec.flow, std::uint8_t{200}}) {
    put(to, Bytes{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    to.push_back(last);
  }
  if (spec.ip_options.empty()) return;
  to.push_back(protocol);
  put(to, ByteView(spec.ip_options).subspan(1));
}

void put_transport_header(Bytes& to, const SegmentSpec& spec) {
  put16(to, 1000U + spec.flow);
  put16(to, 443);
  if (!spec.tcp) {
    put16(to, 8 + spec.payload.size());
    return put16(to, 0);
  }
  put32(to, spec.sequence);
  put32(to, spec.acknowledgement);
  to.push_back(static_cast<std::uint8_t>((20 + spec.tcp_options.size()) / 4 << 4));
  to.push_back(spec.flags);
  put16(to, spec.window);
  put16(to, 0);
  put16(to, spec.urgent);
  put(to, spec.tcp_options);
}

}  // namespace

Bytes pattern(std::size_t size, std::size_t start) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>((start + i) * 167 >> 3);
  return bytes;
}

Bytes make_segment(const SegmentSpec& spec) {
  Bytes packet;
  packet.reserve(spec.headers() + spec.payload.size());
  put_ip_header(packet, spec, spec.headers() + spec.payload.size());
  put_transport_header(packet, spec);
  put(packet, spec.payload);
  set_checksums(packet, spec.transport(), spec.tcp);
  return packet;
}

Bytes make_super_frame(const SegmentSpec& spec, std::size_t gso_size) {
  using offload::VirtioNetHeader;
  VirtioNetHeader header;
  header.flags = VirtioNetHeader::needs_checksum;
  header.gso_type = !spec.tcp ? VirtioNetHeader::gso_udp
                    : spec.v4 ? VirtioNetHeader::gso_tcp4
                              : VirtioNetHeader::gso_tcp6;
  header.header_length = static_cast<std::uint16_t>(spec.headers());
  header.gso_size = static_cast<std::uint16_t>(gso_size);
  header.checksum_start = static_cast<std::uint16_t>(spec.transport());
  header.checksum_offset = spec.tcp ? 16 : 6;
  Bytes frame(offload::virtio_net_header_size);
  header.store(std::span(frame).first<offload::virtio_net_header_size>());
  put(frame, make_segment(spec));
  begin_checksum(ByteSpan(frame).subspan(offload::virtio_net_header_size), spec.transport(), spec.tcp);
  return frame;
}

std::uint16_t naive_checksum(ByteView bytes, std::uint32_t sum) {
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void set_checksums(ByteSpan packet, std::size_t transport, bool tcp) {
  if (is_v4(packet)) {
    store_be<std::uint16_t>(&packet[10], 0);
    store_be(&packet[10], naive_checksum(packet.first(transport)));
  }
  std::uint8_t* field = &packet[checksum_place(transport, tcp)];
  store_be<std::uint16_t>(field, 0);
  const std::uint16_t sum = naive_checksum(packet.subspan(transport), pseudo_sum(packet, transport, tcp));
  store_be<std::uint16_t>(field, sum == 0 && !tcp ? 0xffff : sum);
}

void begin_checksum(ByteSpan packet, std::size_t transport, bool tcp) {
  store_be(&packet[checksum_place(transport, tcp)], static_cast<std::uint16_t>(pseudo_sum(packet, transport, tcp)));
}

std::vector<Bytes> cut_by_hand(ByteView packet, std::size_t transport, bool tcp, std::size_t gso_size) {
  const std::size_t headers = transport + (tcp ? (packet[transport + 12] >> 4) * 4U : 8U);
  std::vector<Bytes> pieces;
  for (std::size_t at = headers; at < packet.size(); at += gso_size) {
    const ByteView payload = packet.subspan(at, std::min(gso_size, packet.size() - at));
    Bytes piece(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(headers));
    put(piece, payload);
    if (is_v4(packet)) {
      store_be(&piece[2], static_cast<std::uint16_t>(piece.size()));
      store_be(&piece[4], static_cast<std::uint16_t>(load_be<std::uint16_t>(&packet[4]) + pieces.size()));
    } else {
      store_be(&piece[4], static_cast<std::uint16_t>(piece.size() - 40));
    }
    if (tcp) {
      const auto sequence = load_be<std::uint32_t>(&packet[transport + 4]);
      store_be(&piece[transport + 4], static_cast<std::uint32_t>(sequence + at - headers));
      if (at != headers) piece[transport + 13] &= 0x7f;                             // CWR
      if (at + payload.size() != packet.size()) piece[transport + 13] &= 0xff - 9;  // FIN and PSH
    } else {
      store_be(&piece[transport + 4], static_cast<std::uint16_t>(8 + payload.size()));
    }
    set_checksums(piece, transport, tcp);
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

std::string flow_of(ByteView packet) {
  if (packet.size() < 28) return {};
  const bool v4 = packet[0] == 0x45;
  if (v4 && (load_be<std::uint16_t>(&packet[2]) != packet.size() || (packet[6] & 0x3f) != 0 || packet[7] != 0))
    return {};
  if (!v4 && (packet[0] >> 4 != 6 || packet.size() < 48 || load_be<std::uint16_t>(&packet[4]) + 40U != packet.size()))
    return {};
  const std::uint8_t protocol = packet[v4 ? 9 : 6];
  if (protocol != tcp_protocol && protocol != udp_protocol) return {};
  const ByteView ends = v4 ? packet.subspan(12, 12) : packet.subspan(8, 36);  // addresses and ports
  return std::string(ends.begin(), ends.end()) + static_cast<char>(protocol);
}

}  // namespace wg4::test
