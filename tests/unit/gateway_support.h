#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>
// A gateway as for an engine's namespace, and frames as read from the TUN.

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "tests/support/packets.h"
#include "wg4netns/core/time.h"
#include "wg4netns/gateway/gateway.h"
#include "wg4netns/offload/virtio_net_header.h"

namespace wg4::test {

inline constexpr std::uint16_t dns_port = 53;
inline constexpr std::uint16_t tunnel_mtu = 1420;

inline GatewayOptions engine_gateway(const std::vector<IpAddress>& servers) {
  return {.mtu = tunnel_mtu,
          .guest = ip("10.0.2.100"),
          .tunnel_v4 = ip("10.64.0.2"),
          .dns_v4 = ip("10.0.2.3"),
          .dns_v6 = ip("fd00::3"),
          .servers = servers};
}

/// A frame as read from the TUN.
inline Bytes frame_of(const Bytes& packet, const offload::VirtioNetHeader& header = {}) {
  Bytes frame(offload::virtio_net_header_size);
  header.store(std::span(frame).first<offload::virtio_net_header_size>());
  frame.insert(frame.end(), packet.begin(), packet.end());
  return frame;
}

inline Bytes packet_in(const Bytes& frame) { return {frame.begin() + offload::virtio_net_header_size, frame.end()}; }

inline Instant at(double seconds) {
  return Instant(std::chrono::hours(1)) + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

inline IpAddress address_at(ByteView packet, bool source) {
  if (packet.empty()) return {};
  if (packet[0] >> 4 == 4) return IpAddress::v4(packet.subspan(source ? 12 : 16).first<4>());
  return IpAddress::v6(packet.subspan(source ? 8 : 24).first<16>());
}
inline IpAddress source_of(ByteView packet) { return address_at(packet, true); }
inline IpAddress destination_of(ByteView packet) { return address_at(packet, false); }

}  // namespace wg4::test
