#include "wg4netns/offload/segment.h"

#include <algorithm>
#include <cstring>

#include "shared/base/bytes.h"
#include "wg4netns/offload/checksum.h"
#include "wg4netns/offload/transport_header.h"

namespace wg4::offload {
namespace {

void store_nonzero_checksum(std::uint8_t* field, Sum sum) {
  store_checksum(field, sum);
  if (load_be<std::uint16_t>(field) == 0) store_be<std::uint16_t>(field, 0xffff);
}

/// Does the transport header begin where the IP header ends, and does the packet have the length that the IP header
/// claims?
bool ends_ip_header(ByteView packet, std::size_t transport) {
  switch (packet[0] >> 4) {
    case 4:
      return transport >= v4_header_size && transport == (packet[0] & 0xfU) * 4U &&
             load_be<std::uint16_t>(&packet[v4_length]) == packet.size();
    case 6:  // extension headers may stand between
      return transport >= v6_header_size &&
             v6_header_size + load_be<std::uint16_t>(&packet[v6_length]) == packet.size();
    default:
      return false;
  }
}

std::size_t round_up(std::size_t value, std::size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

}  // namespace

bool Segmenter::begin(ByteSpan frame) {
  if (frame.size() <= virtio_net_header_size) return false;
  header_ = VirtioNetHeader::load(frame.first<virtio_net_header_size>());
  packet_ = frame.subspan(virtio_net_header_size);
  at_ = 0;
  cut_ = 0;
  single_ = header_.gso_type == VirtioNetHeader::gso_none;
  if (!single_) return begin_super_packet();
  return (header_.flags & VirtioNetHeader::needs_checksum) == 0 || finish_checksum();
}

/// Finishes the transport checksum of a whole packet, whose field holds the sum of the pseudo-header. As in Linux, 0 is
/// replaced by 0xffff for every protocol: in UDP, 0 would mean "no checksum" (RFC 768), and the others accept both.
bool Segmenter::finish_checksum() {
  const std::size_t field = std::size_t{header_.checksum_start} + header_.checksum_offset;
  if (field + sizeof(std::uint16_t) > packet_.size()) return false;
  store_nonzero_checksum(packet_.data() + field, add_bytes(0, packet_.subspan(header_.checksum_start)));
  return true;
}

/// The virtio header must agree with the packet, since the pieces are made by what it says about the packet's headers.
bool Segmenter::begin_super_packet() {
  const std::uint8_t kind = header_.gso_type & static_cast<std::uint8_t>(~VirtioNetHeader::gso_ecn);
  v4_ = packet_[0] >> 4 == 4;
  tcp_ = kind != VirtioNetHeader::gso_udp;
  if (tcp_ && kind != (v4_ ? VirtioNetHeader::gso_tcp4 : VirtioNetHeader::gso_tcp6)) return false;
  // A super-packet's checksum is always left to finish (virtio 1.2, 5.1.6.4.1).
  if (header_.gso_size == 0 || (header_.flags & VirtioNetHeader::needs_checksum) == 0) return false;
  if (header_.checksum_offset != (tcp_ ? tcp_checksum : udp_checksum)) return false;
  transport_ = header_.checksum_start;
  const std::size_t least = transport_ + (tcp_ ? tcp_header_size : udp_header_size);
  if (least > packet_.size() || !ends_ip_header(packet_, transport_)) return false;
  headers_ = tcp_ ? transport_ + (packet_[transport_ + tcp_data_offset] >> 4) * 4U : least;
  if (headers_ < least || headers_ > max_headers || headers_ >= packet_.size()) return false;
  pseudo_sum_ = pseudo_sum_without_length();
  return true;
}

/// The checksum field holds the sum of the pseudo-header. That is used, instead of a sum of the addresses: with a
/// routing header, the pseudo-header has another destination than the IPv6 header.
Sum Segmenter::pseudo_sum_without_length() const {
  std::uint16_t sum = 0;
  std::memcpy(&sum, &packet_[transport_ + header_.checksum_offset], sizeof(sum));
  return add_word(sum, static_cast<std::uint16_t>(~(packet_.size() - transport_)));
}

std::span<const crypto::Plaintext> Segmenter::next() {
  std::size_t count = 0;
  if (single_) {
    if (at_ == 0) pieces_[count++] = {.head = {}, .body = packet_};
    at_ = packet_.size();
    return std::span(pieces_).first(count);
  }
  while (count < max_batch && headers_ + at_ < packet_.size()) {
    cut_one(count, pieces_[count]);
    ++count;
  }
  return std::span(pieces_).first(count);
}

void Segmenter::cut_one(std::size_t number, crypto::Plaintext& piece) {
  std::uint8_t* head = heads_[number].data();
  const ByteView rest = packet_.subspan(headers_ + at_);
  const ByteView payload = rest.first(std::min<std::size_t>(header_.gso_size, rest.size()));
  const bool first = at_ == 0;
  const bool last = payload.size() == rest.size();

  copy_bytes(head, packet_.first(headers_));
  write_ip_header(head, payload.size());
  write_transport_header(head, payload.size(), first, last);
  Sum sum = add_word(pseudo_sum_, static_cast<std::uint16_t>(headers_ - transport_ + payload.size()));
  sum = add_bytes(sum, {head + transport_, headers_ - transport_});
  sum = add_bytes(sum, payload);
  std::uint8_t* field = head + transport_ + (tcp_ ? tcp_checksum : udp_checksum);
  tcp_ ? store_checksum(field, sum) : store_nonzero_checksum(field, sum);

  const std::size_t filled = std::min(round_up(headers_, block) - headers_, payload.size());
  copy_bytes(head + headers_, payload.first(filled));
  piece = {.head = {head, headers_ + filled}, .body = payload.subspan(filled)};
  at_ += payload.size();
  ++cut_;
}

void Segmenter::write_ip_header(std::uint8_t* head, std::size_t payload) const {
  const std::size_t length = headers_ + payload;
  if (!v4_) return store_be(head + v6_length, static_cast<std::uint16_t>(length - v6_header_size));
  store_be(head + v4_length, static_cast<std::uint16_t>(length));
  // The identification counts up, as the kernel's does.
  store_be(head + v4_identification,
           static_cast<std::uint16_t>(load_be<std::uint16_t>(head + v4_identification) + cut_));
  store_be<std::uint16_t>(head + v4_checksum, 0);
  store_checksum(head + v4_checksum, add_bytes(0, {head, transport_}));
}

void Segmenter::write_transport_header(std::uint8_t* head, std::size_t payload, bool first, bool last) const {
  std::uint8_t* transport = head + transport_;
  if (!tcp_) {
    store_be(transport + udp_length, static_cast<std::uint16_t>(udp_header_size + payload));
    return store_be<std::uint16_t>(transport + udp_checksum, 0);
  }
  const auto sequence = load_be<std::uint32_t>(transport + tcp_sequence);
  store_be(transport + tcp_sequence, static_cast<std::uint32_t>(sequence + at_));
  // FIN and PSH belong to the last byte, CWR to the first (RFC 3168 6.1.2).
  unsigned flags = transport[tcp_flags];
  if (!last) flags &= ~unsigned{tcp_fin | tcp_psh};
  if (!first) flags &= ~unsigned{tcp_cwr};
  transport[tcp_flags] = static_cast<std::uint8_t>(flags);
  store_be<std::uint16_t>(transport + tcp_checksum, 0);
}

}  // namespace wg4::offload
