#pragma once
// The 10 bytes in front of each packet of a TUN with IFF_VNET_HDR (virtio 1.2, 5.1.6). They say what the sender has
// left to do: a checksum to finish, a super-packet to cut into segments. Fields are in host byte order, as TUN has
// them.

#include <cstdint>
#include <cstring>
#include <span>

#include "shared/base/bytes.h"

namespace wg4::offload {

inline constexpr std::size_t virtio_net_header_size = 10;

struct VirtioNetHeader {
  static constexpr std::uint8_t needs_checksum = 1;  // in flags

  static constexpr std::uint8_t gso_none = 0;
  static constexpr std::uint8_t gso_tcp4 = 1;
  static constexpr std::uint8_t gso_tcp6 = 4;
  static constexpr std::uint8_t gso_udp = 5;     // UDP_L4, either family
  static constexpr std::uint8_t gso_ecn = 0x80;  // modifies the TCP kinds: CWR is set in the first segment only

  std::uint8_t flags = 0;
  std::uint8_t gso_type = gso_none;
  std::uint16_t header_length = 0;    ///< IP and transport header, bytes; a hint
  std::uint16_t gso_size = 0;         ///< payload of a segment, bytes
  std::uint16_t checksum_start = 0;   ///< where the transport header begins
  std::uint16_t checksum_offset = 0;  ///< of its checksum field, from there

  [[nodiscard]] static VirtioNetHeader load(std::span<const std::uint8_t, virtio_net_header_size> bytes) {
    VirtioNetHeader header;
    std::memcpy(&header, bytes.data(), bytes.size());
    return header;
  }
  void store(std::span<std::uint8_t, virtio_net_header_size> bytes) const {
    std::memcpy(bytes.data(), this, bytes.size());
  }
};
static_assert(sizeof(VirtioNetHeader) == virtio_net_header_size);

}  // namespace wg4::offload
