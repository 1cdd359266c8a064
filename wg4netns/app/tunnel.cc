#include "wg4netns/app/tunnel.h"

namespace wg4 {
namespace {

/// Reads that one direction may take before the other gets its turn.
constexpr int reads_per_turn = 64;

offload::CoalesceKinds kinds(TunOffloads offloads) {
  return {.tcp4 = offloads.segment_tcp, .tcp6 = offloads.segment_tcp, .udp = offloads.segment_udp};
}

}  // namespace

Tunnel::Tunnel(Device& device, TunDevice tun, UdpSocket udp, std::unique_ptr<Gateway> gateway)
    : device_(device),
      tun_(std::move(tun)),
      udp_(std::move(udp)),
      gateway_(std::move(gateway)),
      coalescer_(kinds(tun_.offloads())) {}

bool Tunnel::pump_outbound(Now now) {
  std::size_t used = 0;  // of the read buffer, by packets that wait to be sealed together
  for (int i = 0; i < reads_per_turn && !backlogged(); ++i) {
    if (read_buffer_.size() - used < TunDevice::max_frame || single_count_ == singles_.size()) {
      send_singles(now);
      used = 0;
    }
    const ByteSpan frame = ByteSpan(read_buffer_).subspan(used);
    const TunDevice::Read read = tun_.read(frame);
    if (read.status == TunDevice::ReadStatus::gone) return false;
    if (read.status == TunDevice::ReadStatus::empty) break;
    if (gateway_ && !passes_gateway(frame.first(read.size), now)) continue;
    if (!segmenter_.begin(frame.first(read.size))) {
      ++counters_.malformed;
    } else if (segmenter_.is_single()) {
      singles_[single_count_++] = segmenter_.next().front();
      used += read.size;
    } else {
      send_singles(now);
      send_super_packet(now);
      used = 0;
    }
  }
  send_singles(now);
  return true;
}

bool Tunnel::passes_gateway(ByteSpan frame, Now now) {
  const Gateway::Verdict verdict = gateway_->outbound(frame, now.boot);
  if (verdict == Gateway::Verdict::answer) {
    constexpr std::array<std::uint8_t, offload::virtio_net_header_size> whole{};
    const std::array<ByteView, 2> answer{whole, gateway_->answer()};
    write(answer);
  }
  return verdict == Gateway::Verdict::pass;
}

void Tunnel::send_super_packet(Now now) {
  for (auto pieces = segmenter_.next(); !pieces.empty(); pieces = segmenter_.next())
    device_.outbound(pieces, now, *this);
}

void Tunnel::send_singles(Now now) {
  device_.outbound_mixed(std::span(singles_).first(std::exchange(single_count_, 0)), now, *this);
}

void Tunnel::pump_inbound(Family family, Now now) {
  device_.inbound(udp_.receive(family), now, *this);
  coalescer_.flush([this](offload::Gather gather) { write(gather); });
}

void Tunnel::flush() {
  udp_.flush();
  while (const auto peer = udp_.take_bad_source()) device_.forget_source(*peer);
}

void Tunnel::deliver(std::span<const ByteSpan> packets) {
  if (gateway_)
    for (const ByteSpan packet : packets) gateway_->inbound(packet);
  for (const ByteSpan packet : packets) coalescer_.add(packet, [this](offload::Gather gather) { write(gather); });
}

void Tunnel::write(offload::Gather gather) {
  if (!tun_.write(gather)) ++counters_.undelivered;
}

}  // namespace wg4
