#include "wg4netns/gateway/dns_redirect.h"

#include <algorithm>
#include <cstddef>

#include "shared/base/bytes.h"
#include "wg4netns/offload/transport_header.h"

namespace wg4::gateway {
namespace {

constexpr std::uint16_t dns_port = 53;
constexpr std::size_t port_count = 65536;
constexpr std::uint8_t tcp_syn_flag = 0x02;

}  // namespace

DnsRedirect::DnsRedirect(const DnsRedirectOptions& options)
    : size_(options.virtual_server.bytes().size()),
      server_count_(std::min(options.servers.size(), max_servers)),
      alias_(options.alias),
      own_(options.own) {
  for (std::size_t i = 0; i <= server_count_; ++i) {
    const IpAddress& from = i == 0 ? options.virtual_server : options.servers[i - 1];
    copy_bytes(addresses_[i].data(), from.bytes());
    ends_[i] = load_be<std::uint32_t>(&addresses_[i][size_ - sizeof(std::uint32_t)]);
  }
  if (server_count_ > 0)
    for (auto& flows : flows_) flows.resize(port_count);
}

DnsRedirect::Outcome DnsRedirect::outbound(ByteSpan packet, const IpView& ip, bool partial, Instant now) {
  const bool has_ports = ip.has_ports();
  const bool to_dns = has_ports && load_be<std::uint16_t>(&packet[ip.transport + 2]) == dns_port;
  if (!is_at(packet, ip.destination(), address(0))) {
    if (to_dns && server_at(packet, ip.destination()) != 0) flow(ip, &packet[ip.transport]) = 0;
    return Outcome::pass;
  }
  if (ip.later_fragment || server_count_ == 0) return ip.later_fragment ? Outcome::drop : Outcome::refuse;
  if (!to_dns) return Outcome::refuse;

  std::uint8_t& known = flow(ip, &packet[ip.transport]);
  const bool opens = ip.is_udp() || (packet[ip.transport + offload::tcp_flags] & tcp_syn_flag) != 0;
  if (opens) {
    const bool aliased = alias_ && own_ && is_at(packet, ip.source(), alias_->bytes());
    known = static_cast<std::uint8_t>(server_for_query(now) | (aliased ? via_alias : 0));
  } else if (known == 0) {
    return Outcome::refuse;
  }
  rewrite_query(packet, ip, known, partial);
  return Outcome::pass;
}

void DnsRedirect::inbound(ByteSpan packet, const IpView& ip) {
  const std::uint8_t server = server_at(packet, ip.source());
  if (server == 0) return;
  if (ip.later_fragment) {
    const auto begun = std::ranges::find_if(
        fragmented_, [&](const Fragmented& entry) { return entry.flow != 0 && entry.id == ip.id; });
    if (begun != fragmented_.end()) rewrite_reply(packet, ip, begun->flow);
    return;
  }
  if (!ip.has_ports() || load_be<std::uint16_t>(&packet[ip.transport]) != dns_port) return;
  const std::uint8_t known = flow(ip, &packet[ip.transport + 2]);
  if (known == 0) return;
  if (server == current_) waiting_since_.reset();
  if (ip.fragment) fragmented_[next_fragmented_++ % max_fragments] = {ip.id, known};
  rewrite_reply(packet, ip, known);
}

bool DnsRedirect::is_at(ByteView packet, std::size_t offset, ByteView wanted) const {
  return std::ranges::equal(packet.subspan(offset, size_), wanted);
}

/// The number of the server with this address, or 0.
std::uint8_t DnsRedirect::server_at(ByteView packet, std::size_t offset) const {
  for (std::size_t i = 1; i <= server_count_; ++i)
    if (is_at(packet, offset, address(i))) return static_cast<std::uint8_t>(i);
  return 0;
}

std::uint8_t& DnsRedirect::flow(const IpView& ip, const std::uint8_t* port) {
  return flows_[ip.is_tcp() ? 1 : 0][load_be<std::uint16_t>(port)];
}

std::uint8_t DnsRedirect::server_for_query(Instant now) {
  if (waiting_since_ && now - *waiting_since_ > patience) {
    current_ = static_cast<std::uint8_t>(current_ % server_count_ + 1);
    waiting_since_.reset();
  }
  if (!waiting_since_) waiting_since_ = now;
  return current_;
}

void DnsRedirect::rewrite_query(ByteSpan packet, const IpView& ip, std::uint8_t flow, bool partial) {
  const auto server = static_cast<std::size_t>(flow & ~via_alias);
  replace_address(packet, ip, ip.destination(), address(server), partial);
  if ((flow & via_alias) != 0) replace_address(packet, ip, ip.source(), own_->bytes(), partial);
}

void DnsRedirect::rewrite_reply(ByteSpan packet, const IpView& ip, std::uint8_t flow) {
  replace_address(packet, ip, ip.source(), address(0), false);
  if ((flow & via_alias) != 0) replace_address(packet, ip, ip.destination(), alias_->bytes(), false);
}

}  // namespace wg4::gateway
