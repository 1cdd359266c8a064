#include "wg4netns/gateway/replies.h"

#include <algorithm>
#include <cstring>

#include "wg4netns/offload/checksum.h"
#include "wg4netns/offload/transport_header.h"

namespace wg4::gateway {
namespace {

using offload::Sum;

constexpr std::uint8_t hop_limit = 64;
constexpr std::size_t icmp_header_size = 8;
constexpr std::size_t icmp_checksum = 2;
constexpr std::size_t icmp_mtu_v4 = 6;          // RFC 1191 4
constexpr std::size_t icmp_mtu_v6 = 4;          // RFC 4443 3.2
constexpr std::size_t max_icmp_error_v4 = 576;  // RFC 1812 4.3.2.3

constexpr std::uint8_t tcp_fin_flag = 0x01;
constexpr std::uint8_t tcp_syn_flag = 0x02;
constexpr std::uint8_t tcp_rst_flag = 0x04;
constexpr std::uint8_t tcp_ack_flag = 0x10;

// RFC 1035 4.1.1
constexpr std::size_t dns_header_size = 12;
constexpr std::size_t dns_flags = 2;
constexpr std::size_t dns_question_count = 4;
constexpr std::uint16_t dns_response = 0x8000;
constexpr std::uint16_t dns_kept_flags = 0x7900;  // opcode, recursion desired
constexpr std::uint16_t dns_refused = 5;
constexpr std::size_t max_dns_label = 63;

std::size_t ip_header_size(const IpView& ip) { return ip.v4 ? offload::v4_header_size : offload::v6_header_size; }

/// Writes the IP header of a reply to `packet`: from its destination to its source.
void write_ip_header(ByteSpan out, ByteView packet, const IpView& ip, std::uint8_t protocol, std::size_t size) {
  std::ranges::fill(out.first(ip_header_size(ip)), std::uint8_t{0});
  copy_bytes(&out[ip.source()], packet.subspan(ip.destination(), ip.address_size()));
  copy_bytes(&out[ip.destination()], packet.subspan(ip.source(), ip.address_size()));
  if (ip.v4) {
    out[0] = 0x45;
    store_be(&out[offload::v4_length], static_cast<std::uint16_t>(size));
    out[offload::v4_ttl] = hop_limit;
    out[offload::v4_protocol] = protocol;
    offload::store_checksum(&out[offload::v4_checksum], offload::add_bytes(0, out.first(offload::v4_header_size)));
  } else {
    out[0] = 0x60;
    store_be(&out[offload::v6_length], static_cast<std::uint16_t>(size - offload::v6_header_size));
    out[offload::v6_next_header] = protocol;
    out[offload::v6_hop_limit] = hop_limit;
  }
}

/// Writes the checksum over the pseudo-header and everything behind the IP header; its field is zero before.
void finish_checksum(ByteSpan reply, std::size_t transport, std::size_t field, std::uint8_t protocol) {
  Sum sum = offload::pseudo_header(reply.data(), protocol);
  sum = offload::add_word(sum, static_cast<std::uint16_t>(reply.size() - transport));
  offload::store_checksum(&reply[transport + field], offload::add_bytes(sum, reply.subspan(transport)));
}

struct IcmpError {
  std::uint8_t type_v4, code_v4;
  std::uint8_t type_v6, code_v6;
  std::uint16_t mtu = 0;
};

std::size_t write_icmp_error(ByteSpan out, ByteView packet, const IpView& ip, const IcmpError& error) {
  const std::size_t icmp = ip_header_size(ip);
  const std::size_t most = (ip.v4 ? max_icmp_error_v4 : max_reply) - icmp - icmp_header_size;
  const ByteView quote = packet.first(std::min(ip.size, most));
  const ByteSpan reply = out.first(icmp + icmp_header_size + quote.size());
  write_ip_header(reply, packet, ip, ip.v4 ? protocol_icmp : protocol_icmp6, reply.size());
  std::uint8_t* header = &reply[icmp];
  std::fill_n(header, icmp_header_size, std::uint8_t{0});
  header[0] = ip.v4 ? error.type_v4 : error.type_v6;
  header[1] = ip.v4 ? error.code_v4 : error.code_v6;
  if (ip.v4) {
    store_be(header + icmp_mtu_v4, error.mtu);
  } else {
    store_be<std::uint32_t>(header + icmp_mtu_v6, error.mtu);
  }
  copy_bytes(header + icmp_header_size, quote);
  if (ip.v4) {
    offload::store_checksum(header + icmp_checksum, offload::add_bytes(0, reply.subspan(icmp)));
  } else {
    finish_checksum(reply, icmp, icmp_checksum, protocol_icmp6);
  }
  return reply.size();
}

/// The size of the first question; 0 when it is not whole, or its name is compressed, which no question's is.
std::size_t question_size(ByteView questions) {
  std::size_t at = 0;
  while (at < questions.size() && questions[at] != 0) {
    if (questions[at] > max_dns_label) return 0;
    at += 1U + questions[at];
  }
  const std::size_t size = at + 1 + 4;  // the root label, type and class
  return size <= questions.size() ? size : 0;
}

}  // namespace

bool may_be_refused(ByteView packet, const IpView& ip) {
  if (ip.later_fragment) return false;
  const ByteView source = packet.subspan(ip.source(), ip.address_size());
  const ByteView destination = packet.subspan(ip.destination(), ip.address_size());
  const auto is_group = [&](ByteView address) { return ip.v4 ? address[0] >= 224 : address[0] == 0xff; };
  const bool unspecified = std::ranges::all_of(source, [](std::uint8_t byte) { return byte == 0; });
  if (unspecified || is_group(source) || is_group(destination)) return false;
  if (ip.transport >= ip.size) return true;
  const std::uint8_t type = packet[ip.transport];
  if (ip.v4 && ip.protocol == protocol_icmp) return type == 0 || type == 8 || type > 12;
  return ip.v4 || ip.protocol != protocol_icmp6 || type >= 128;
}

std::size_t write_too_big(ByteSpan out, ByteView packet, const IpView& ip, std::uint16_t mtu) {
  return write_icmp_error(out, packet, ip, {.type_v4 = 3, .code_v4 = 4, .type_v6 = 2, .code_v6 = 0, .mtu = mtu});
}

std::size_t write_port_unreachable(ByteSpan out, ByteView packet, const IpView& ip) {
  return write_icmp_error(out, packet, ip, {.type_v4 = 3, .code_v4 = 3, .type_v6 = 1, .code_v6 = 4});
}

/// By RFC 9293 3.10.7.1.
std::size_t write_reset(ByteSpan out, ByteView packet, const IpView& ip) {
  const std::uint8_t* segment = &packet[ip.transport];
  const std::uint8_t flags = segment[offload::tcp_flags];
  if ((flags & tcp_rst_flag) != 0) return 0;
  const std::size_t tcp = ip_header_size(ip);
  const ByteSpan reply = out.first(tcp + offload::tcp_header_size);
  write_ip_header(reply, packet, ip, offload::protocol_tcp, reply.size());
  std::uint8_t* header = &reply[tcp];
  std::fill_n(header, offload::tcp_header_size, std::uint8_t{0});
  std::memcpy(header, segment + 2, 2);
  std::memcpy(header + 2, segment, 2);
  header[offload::tcp_data_offset] = (offload::tcp_header_size / 4) << 4;
  header[offload::tcp_flags] = tcp_rst_flag;
  if ((flags & tcp_ack_flag) != 0) {
    std::memcpy(header + offload::tcp_sequence, segment + offload::tcp_acknowledgement, 4);
  } else {
    const std::size_t segment_header = (segment[offload::tcp_data_offset] >> 4) * 4U;
    const std::size_t data = ip.size - std::min(ip.size, ip.transport + segment_header);
    const unsigned control = ((flags & tcp_syn_flag) != 0 ? 1U : 0U) + ((flags & tcp_fin_flag) != 0 ? 1U : 0U);
    const auto sequence = load_be<std::uint32_t>(segment + offload::tcp_sequence);
    store_be(header + offload::tcp_acknowledgement, static_cast<std::uint32_t>(sequence + data + control));
    header[offload::tcp_flags] |= tcp_ack_flag;
  }
  finish_checksum(reply, tcp, offload::tcp_checksum, offload::protocol_tcp);
  return reply.size();
}

std::size_t write_dns_refusal(ByteSpan out, ByteView packet, const IpView& ip) {
  const std::size_t from = ip.transport + offload::udp_header_size;
  const ByteView query = packet.subspan(from, ip.size - from);
  if (query.size() < dns_header_size) return 0;
  const auto flags = load_be<std::uint16_t>(&query[dns_flags]);
  if ((flags & dns_response) != 0) return 0;

  const std::size_t udp = ip_header_size(ip);
  const std::size_t room = max_reply - udp - offload::udp_header_size - dns_header_size;
  const bool asks = load_be<std::uint16_t>(&query[dns_question_count]) == 1;
  std::size_t question = asks ? question_size(query.subspan(dns_header_size)) : 0;
  if (question > room) question = 0;
  const ByteSpan reply = out.first(udp + offload::udp_header_size + dns_header_size + question);
  write_ip_header(reply, packet, ip, offload::protocol_udp, reply.size());
  std::uint8_t* header = &reply[udp];
  std::memcpy(header, &packet[ip.transport + 2], 2);
  std::memcpy(header + 2, &packet[ip.transport], 2);
  store_be(header + offload::udp_length, static_cast<std::uint16_t>(reply.size() - udp));
  store_be<std::uint16_t>(header + offload::udp_checksum, 0);

  std::uint8_t* answer = header + offload::udp_header_size;
  std::fill_n(answer, dns_header_size, std::uint8_t{0});
  std::memcpy(answer, query.data(), 2);
  store_be(answer + dns_flags, static_cast<std::uint16_t>((flags & dns_kept_flags) | dns_response | dns_refused));
  store_be(answer + dns_question_count, static_cast<std::uint16_t>(question > 0 ? 1 : 0));
  copy_bytes(answer + dns_header_size, query.subspan(dns_header_size, question));
  finish_checksum(reply, udp, offload::udp_checksum, offload::protocol_udp);
  std::uint8_t* checksum = header + offload::udp_checksum;
  if (load_be<std::uint16_t>(checksum) == 0) store_be<std::uint16_t>(checksum, 0xffff);
  return reply.size();
}

}  // namespace wg4::gateway
