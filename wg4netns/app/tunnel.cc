#include "wg4netns/app/tunnel.h"

namespace wg4 {
namespace {

/// Packets that one direction may take before the other gets its turn.
constexpr int packets_per_turn = 64;

}  // namespace

bool Tunnel::pump_outbound(Now now) {
  for (int i = 0; i < packets_per_turn && !backlogged(); ++i) {
    const TunDevice::Read read = tun_.read(packet_);
    if (read.status == TunDevice::ReadStatus::gone) return false;
    if (read.status == TunDevice::ReadStatus::empty) break;
    const crypto::Plaintext packet{.head = {}, .body = ByteView(packet_).first(read.size)};
    device_.outbound({&packet, 1}, now, *this);
  }
  return true;
}

void Tunnel::pump_inbound(Family family, Now now) {
  for (const DatagramRun& run : udp_.receive(family)) device_.inbound(run, now, *this);
}

void Tunnel::flush() {
  udp_.flush();
  while (const auto peer = udp_.take_bad_source()) device_.forget_source(*peer);
}

void Tunnel::deliver(std::span<const ByteView> packets) {
  for (const ByteView packet : packets)
    if (!tun_.write(packet)) ++counters_.undelivered;
}

}  // namespace wg4
