#pragma once
// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian. Each function writes one whole block to the front
// of `out`, which must have room for it, and returns its size in bytes; the ..._size() functions give that size in
// advance.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "shared/base/bytes.h"

namespace wg4::pcapng {

/// https://www.tcpdump.org/linktypes.html: packets begin with an IPv4 or an IPv6 header.
inline constexpr std::uint16_t linktype_raw = 101;

/// "WGKL": a WireGuard key log, as wg_keylog of Wireshark's.
inline constexpr std::uint32_t wireguard_key_log = 0x57474b4c;

enum class Direction : std::uint8_t { in = 1, out = 2 };

struct Section {
  std::string_view comment;
  std::string_view application;
};
[[nodiscard]] std::size_t section_size(const Section& section);
std::size_t write_section(ByteSpan out, const Section& section);

struct Interface {
  std::string_view name;
  std::string_view description;
  std::uint16_t linktype = linktype_raw;
};
/// Interfaces are numbered in the order of their blocks, from 0. Timestamps are in nanoseconds.
[[nodiscard]] std::size_t interface_size(const Interface& interface);
std::size_t write_interface(ByteSpan out, const Interface& interface);

struct Packet {
  std::uint32_t interface = 0;
  std::uint64_t time_ns = 0;  ///< since 1970
  Direction direction = Direction::in;
  std::span<const ByteView> pieces;  ///< of the packet, in order
};
[[nodiscard]] std::size_t packet_size(const Packet& packet);
std::size_t write_packet(ByteSpan out, const Packet& packet);

struct Statistics {
  std::uint32_t interface = 0;
  std::uint64_t time_ns = 0;
  std::uint64_t received = 0;  ///< packets, including those dropped
  std::uint64_t dropped = 0;   ///< because the buffer was full
};
[[nodiscard]] std::size_t statistics_size();
std::size_t write_statistics(ByteSpan out, const Statistics& statistics);

/// Keys for the packets behind this block.
[[nodiscard]] std::size_t secrets_size(std::size_t text_size);
std::size_t write_secrets(ByteSpan out, std::uint32_t type, std::string_view text);

}  // namespace wg4::pcapng
