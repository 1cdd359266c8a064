#include "wg4netns/offload/coalesce.h"

#include <cstring>
#include <utility>

#include "wg4netns/offload/checksum.h"
#include "wg4netns/offload/transport_header.h"

namespace wg4::offload {
namespace {

constexpr std::uint8_t v4_without_options = 0x45;  // version and header length
constexpr std::uint16_t fragment_bits = 0x3fff;    // more fragments, and the offset
constexpr std::uint8_t dont_fragment = 0x40;       // in the first byte of the same field
constexpr std::size_t ports_size = 4;

constexpr std::array<std::uint8_t, virtio_net_header_size> nothing_to_do{};

bool equal(const std::uint8_t* a, const std::uint8_t* b, std::size_t size) { return std::memcmp(a, b, size) == 0; }

std::size_t checksum_offset(bool tcp) { return tcp ? tcp_checksum : udp_checksum; }

std::uint16_t identification(const std::uint8_t* ip) { return load_be<std::uint16_t>(ip + v4_identification); }

bool checksums_are_right(ByteView packet, std::size_t transport, bool tcp) {
  constexpr std::uint16_t right = 0xffff;
  if (transport == v4_header_size && fold(add_bytes(0, packet.first(v4_header_size))) != right) return false;
  Sum sum = pseudo_header(packet.data(), tcp ? protocol_tcp : protocol_udp);
  sum = add_word(sum, static_cast<std::uint16_t>(packet.size() - transport));
  return fold(add_bytes(sum, packet.subspan(transport))) == right;
}

/// Length of the IP header, if the packet has the length that it claims, and nothing is between that header and the
/// transport header: no options, no fragments, no extension headers. Else 0.
std::size_t plain_ip_header(ByteView packet) {
  if (packet.size() < v4_header_size) return 0;
  if (packet[0] == v4_without_options) {
    const bool fragment = (load_be<std::uint16_t>(&packet[v4_fragment]) & fragment_bits) != 0;
    return !fragment && load_be<std::uint16_t>(&packet[v4_length]) == packet.size() ? v4_header_size : 0;
  }
  if (packet[0] >> 4 != 6) return 0;
  return v6_header_size + load_be<std::uint16_t>(&packet[v6_length]) == packet.size() ? v6_header_size : 0;
}

}  // namespace

Coalescer::Packet Coalescer::inspect(ByteSpan bytes) const {
  Packet packet{.bytes = bytes, .transport = plain_ip_header(bytes)};
  if (packet.transport == 0 || bytes.size() < packet.transport + udp_header_size) return packet;
  packet.v4 = packet.transport == v4_header_size;
  const std::uint8_t protocol = bytes[packet.v4 ? v4_protocol : v6_next_header];
  packet.tcp = protocol == protocol_tcp;
  packet.has_flow = packet.tcp || protocol == protocol_udp;
  if (!packet.has_flow) return packet;

  const std::uint8_t* transport = &bytes[packet.transport];
  if (packet.tcp) {
    if (bytes.size() < packet.transport + tcp_header_size) return packet;
    constexpr unsigned harmless = tcp_psh | tcp_fin | tcp_ece;
    packet.headers = packet.transport + (transport[tcp_data_offset] >> 4) * 4U;
    packet.ends_group = (transport[tcp_flags] & (tcp_psh | tcp_fin)) != 0;
    packet.mergeable = (packet.v4 ? kinds_.tcp4 : kinds_.tcp6) && (transport[tcp_flags] & ~harmless) == tcp_ack &&
                       packet.headers >= packet.transport + tcp_header_size;
  } else {
    packet.headers = packet.transport + udp_header_size;
    packet.mergeable = kinds_.udp && load_be<std::uint16_t>(transport + udp_checksum) != 0 &&
                       load_be<std::uint16_t>(transport + udp_length) == bytes.size() - packet.transport;
  }
  packet.mergeable &= packet.headers < bytes.size();  // there is a payload
  return packet;
}

Coalescer::Group* Coalescer::find(const Packet& packet) {
  for (std::uint32_t left = open_; left != 0; left &= left - 1) {
    Group& group = groups_[static_cast<std::size_t>(std::countr_zero(left))];
    if (group.is_of_flow(packet)) return &group;
  }
  return nullptr;
}

void Coalescer::open(const Packet& packet) {
  const int free = std::countr_one(open_);
  open_ |= std::uint32_t{1} << free;
  groups_[static_cast<std::size_t>(free)].open(packet);
}

Gather Coalescer::close(Group& group) {
  open_ &= ~(std::uint32_t{1} << (&group - groups_.data()));
  return group.close();
}

Gather Coalescer::alone(ByteView packet) {
  single_ = {nothing_to_do, packet};
  return single_;
}

// ---------------------------------------------------------------- a group

void Coalescer::Group::open(const Packet& packet) {
  first_ = packet;
  count_ = 1;
  segment_ = packet.payload();
  length_ = packet.bytes.size();
  pieces_[1] = packet.bytes;
}

bool Coalescer::Group::is_of_flow(const Packet& packet) const {
  if (packet.v4 != first_.v4 || packet.tcp != first_.tcp) return false;
  const std::uint8_t* a = first_.bytes.data();
  const std::uint8_t* b = packet.bytes.data();
  if (!equal(a + first_.transport, b + first_.transport, ports_size)) return false;
  return first_.v4 ? equal(a + v4_addresses, b + v4_addresses, v4_header_size - v4_addresses)
                   : equal(a + v6_addresses, b + v6_addresses, v6_header_size - v6_addresses);
}

/// Can this packet of the same flow be appended to the group? Checksums are verified last: they cost most, and a packet
/// that stays alone need not be verified at all.
bool Coalescer::Group::joins(const Packet& packet) const {
  if (packet.headers != first_.headers || packet.payload() > segment_) return false;
  if (length_ + packet.payload() > max_length) return false;
  if (!continues_ip(packet) || (first_.tcp && !continues_tcp(packet))) return false;
  if (count_ == 1 && !checksums_are_right(first_.bytes, first_.transport, first_.tcp)) return false;
  return checksums_are_right(packet.bytes, packet.transport, packet.tcp);
}

/// IP headers are equal, except length, identification and checksum.
bool Coalescer::Group::continues_ip(const Packet& packet) const {
  const std::uint8_t* a = first_.bytes.data();
  const std::uint8_t* b = packet.bytes.data();
  if (!first_.v4) return equal(a, b, v6_length) && equal(a + v6_next_header, b + v6_next_header, 2);
  if (!equal(a, b, v4_length) || !equal(a + v4_fragment, b + v4_fragment, v4_checksum - v4_fragment)) return false;
  const auto step = static_cast<std::uint16_t>(identification(b) - identification(a));
  const bool may_stay = count_ == 1 ? (a[v4_fragment] & dont_fragment) != 0 : same_id_;
  const bool may_count = count_ == 1 || !same_id_;
  return (may_stay && step == 0) || (may_count && step == count_);
}

/// TCP headers are equal, except sequence number, checksum, PSH and FIN.
bool Coalescer::Group::continues_tcp(const Packet& packet) const {
  const std::uint8_t* a = &first_.bytes[first_.transport];
  const std::uint8_t* b = &packet.bytes[packet.transport];
  constexpr unsigned ends = tcp_psh | tcp_fin;
  const auto expected = static_cast<std::uint32_t>(load_be<std::uint32_t>(a + tcp_sequence) + length_ - first_.headers);
  return load_be<std::uint32_t>(b + tcp_sequence) == expected &&
         equal(a + tcp_acknowledgement, b + tcp_acknowledgement, tcp_flags - tcp_acknowledgement) &&
         (a[tcp_flags] | ends) == (b[tcp_flags] | ends) &&
         equal(a + tcp_window, b + tcp_window, tcp_checksum - tcp_window) &&
         equal(a + tcp_urgent, b + tcp_urgent, first_.headers - first_.transport - tcp_urgent);
}

bool Coalescer::Group::join(const Packet& packet) {
  if (count_ == 1) same_id_ = first_.v4 && identification(first_.bytes.data()) == identification(packet.bytes.data());
  ++count_;
  pieces_[count_] = packet.bytes.subspan(packet.headers);
  length_ += packet.payload();
  if (packet.tcp) last_flags_ = packet.bytes[packet.transport + tcp_flags] & (tcp_psh | tcp_fin);
  return packet.ends_group || packet.payload() < segment_ || count_ == (packet.tcp ? max_pieces : max_udp_pieces);
}

Gather Coalescer::Group::close() {
  const VirtioNetHeader header = count_ > 1 ? finish_headers() : VirtioNetHeader{};
  header.store(header_);
  pieces_[0] = header_;
  return std::span(pieces_).first(count_ + 1);
}

/// Turns the first packet's headers into those of the super-packet, with the checksum left to the kernel.
VirtioNetHeader Coalescer::Group::finish_headers() const {
  std::uint8_t* ip = first_.bytes.data();
  std::uint8_t* transport = ip + first_.transport;
  if (first_.v4) {
    store_be(ip + v4_length, static_cast<std::uint16_t>(length_));
    store_be<std::uint16_t>(ip + v4_checksum, 0);
    store_checksum(ip + v4_checksum, add_bytes(0, {ip, first_.transport}));
  } else {
    store_be(ip + v6_length, static_cast<std::uint16_t>(length_ - v6_header_size));
  }
  const auto transport_length = static_cast<std::uint16_t>(length_ - first_.transport);
  if (first_.tcp) {
    transport[tcp_flags] |= last_flags_;
  } else {
    store_be(transport + udp_length, transport_length);
  }
  const Sum pseudo = pseudo_header(ip, first_.tcp ? protocol_tcp : protocol_udp);
  const std::uint16_t partial = fold(add_word(pseudo, transport_length));
  std::memcpy(transport + checksum_offset(first_.tcp), &partial, sizeof(partial));

  const std::uint8_t tcp_kind = first_.v4 ? VirtioNetHeader::gso_tcp4 : VirtioNetHeader::gso_tcp6;
  return {.flags = VirtioNetHeader::needs_checksum,
          .gso_type = first_.tcp ? tcp_kind : VirtioNetHeader::gso_udp,
          .header_length = static_cast<std::uint16_t>(first_.headers),
          .gso_size = static_cast<std::uint16_t>(segment_),
          .checksum_start = static_cast<std::uint16_t>(first_.transport),
          .checksum_offset = static_cast<std::uint16_t>(checksum_offset(first_.tcp))};
}

}  // namespace wg4::offload
