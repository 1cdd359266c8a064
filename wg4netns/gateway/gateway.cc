#include "wg4netns/gateway/gateway.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "shared/base/bytes.h"
#include "wg4netns/gateway/ip_view.h"
#include "wg4netns/gateway/mss_clamp.h"
#include "wg4netns/offload/transport_header.h"
#include "wg4netns/offload/virtio_net_header.h"

namespace wg4 {
namespace {

using gateway::DnsRedirect;
using gateway::IpView;
using offload::VirtioNetHeader;

std::vector<IpAddress> of_family(const std::vector<IpAddress>& all, Family family) {
  std::vector<IpAddress> some;
  std::ranges::copy_if(all, std::back_inserter(some), [=](const IpAddress& one) { return one.family() == family; });
  return some;
}

/// The length of the longest packet that a frame is cut into; 0 if header and packet do not agree, which the segmenter
/// reports.
std::size_t longest_packet(const VirtioNetHeader& header, ByteView packet) {
  if (header.gso_type == VirtioNetHeader::gso_none) return packet.size();
  const std::size_t transport = header.checksum_start;
  if (transport + offload::tcp_header_size > packet.size()) return 0;
  const bool udp = header.gso_type == VirtioNetHeader::gso_udp;
  const std::size_t size = udp ? offload::udp_header_size : (packet[transport + offload::tcp_data_offset] >> 4) * 4U;
  return std::min(transport + size + header.gso_size, packet.size());
}

}  // namespace

Gateway::Gateway(const GatewayOptions& options)
    : mtu_(options.mtu),
      dns_v4_({options.dns_v4, of_family(options.servers, Family::v4), options.guest, options.tunnel_v4}),
      dns_v6_({options.dns_v6, of_family(options.servers, Family::v6), {}, {}}) {}

Gateway::Verdict Gateway::outbound(ByteSpan frame, Instant now) {
  if (frame.size() < offload::virtio_net_header_size + offload::v4_header_size) return Verdict::pass;
  const auto header = VirtioNetHeader::load(frame.first<offload::virtio_net_header_size>());
  const ByteSpan packet = frame.subspan(offload::virtio_net_header_size);
  const bool v4 = packet[0] >> 4 == 4;
  if (!v4 && packet.size() < offload::v6_header_size) return Verdict::pass;
  const std::uint8_t* destination = &packet[v4 ? offload::v4_addresses + 4 : offload::v6_addresses + 16];
  const bool for_dns = dns(v4).may_concern(destination);
  const bool may_open = packet.size() <= gateway::max_syn;
  const bool fits = longest_packet(header, packet) <= mtu_;
  if (fits && !for_dns && !may_open) return Verdict::pass;

  if (!fits) return say_too_big(packet, now);
  const auto ip = IpView::parse(packet);
  if (!ip) return Verdict::pass;
  const bool partial = (header.flags & VirtioNetHeader::needs_checksum) != 0;
  if (may_open) gateway::clamp_mss(packet, *ip, mtu_, partial);
  if (!for_dns) return Verdict::pass;
  switch (dns(v4).outbound(packet, *ip, partial, now)) {
    case DnsRedirect::Outcome::pass:
      return Verdict::pass;
    case DnsRedirect::Outcome::refuse:
      return refuse(packet, *ip, now);
    case DnsRedirect::Outcome::drop:
      break;
  }
  return Verdict::drop;
}

void Gateway::inbound(ByteSpan packet) {
  if (packet.size() < offload::v4_header_size) return;
  const bool v4 = packet[0] >> 4 == 4;
  if (!v4 && packet.size() < offload::v6_header_size) return;
  if (!dns(v4).may_concern(&packet[v4 ? offload::v4_addresses : offload::v6_addresses])) return;
  if (const auto ip = IpView::parse(packet)) dns(v4).inbound(packet, *ip);
}

Gateway::Verdict Gateway::refuse(ByteView packet, const IpView& ip, Instant now) {
  if (!gateway::may_be_refused(packet, ip) || !may_answer(now)) return Verdict::drop;
  answer_size_ = 0;
  if (ip.has_ports() && ip.is_tcp()) {
    answer_size_ = gateway::write_reset(answer_, packet, ip);
  } else if (ip.has_ports()) {
    constexpr std::uint16_t dns_port = 53;
    if (load_be<std::uint16_t>(&packet[ip.transport + 2]) == dns_port)
      answer_size_ = gateway::write_dns_refusal(answer_, packet, ip);
    if (answer_size_ == 0) answer_size_ = gateway::write_port_unreachable(answer_, packet, ip);
  }
  return answer_size_ > 0 ? Verdict::answer : Verdict::drop;
}

/// The answer is the same with and without DF: the sender's kernel then fragments by itself, and we never have to.
Gateway::Verdict Gateway::say_too_big(ByteView packet, Instant now) {
  const auto ip = IpView::parse(packet);
  if (!ip || !gateway::may_be_refused(packet, *ip) || !may_answer(now)) return Verdict::drop;
  answer_size_ = gateway::write_too_big(answer_, packet, *ip, mtu_);
  return Verdict::answer;
}

bool Gateway::may_answer(Instant now) {
  const auto intervals = (now - refilled_) / answer_interval;
  if (intervals > 0) {
    answers_left_ = static_cast<unsigned>(std::min<Duration::rep>(answers_left_ + intervals, max_answers));
    refilled_ = now;
  }
  if (answers_left_ == 0) return false;
  --answers_left_;
  return true;
}

}  // namespace wg4
