#pragma once
// The fields of IP, TCP and UDP headers that cutting and merging look at.

#include <cstddef>
#include <cstdint>

namespace wg4::offload {

inline constexpr std::uint8_t protocol_tcp = 6;
inline constexpr std::uint8_t protocol_udp = 17;

inline constexpr std::size_t v4_header_size = 20;
inline constexpr std::size_t v6_header_size = 40;
inline constexpr std::size_t tcp_header_size = 20;
inline constexpr std::size_t udp_header_size = 8;

// Offsets from the start of the IPv4 header.
inline constexpr std::size_t v4_tos = 1;
inline constexpr std::size_t v4_length = 2;
inline constexpr std::size_t v4_identification = 4;
inline constexpr std::size_t v4_fragment = 6;
inline constexpr std::size_t v4_ttl = 8;
inline constexpr std::size_t v4_protocol = 9;
inline constexpr std::size_t v4_checksum = 10;
inline constexpr std::size_t v4_addresses = 12;
// ... of the IPv6 header.
inline constexpr std::size_t v6_length = 4;
inline constexpr std::size_t v6_next_header = 6;
inline constexpr std::size_t v6_hop_limit = 7;
inline constexpr std::size_t v6_addresses = 8;
// ... of the TCP header.
inline constexpr std::size_t tcp_sequence = 4;
inline constexpr std::size_t tcp_acknowledgement = 8;
inline constexpr std::size_t tcp_data_offset = 12;
inline constexpr std::size_t tcp_flags = 13;
inline constexpr std::size_t tcp_window = 14;
inline constexpr std::size_t tcp_checksum = 16;
inline constexpr std::size_t tcp_urgent = 18;
// ... of the UDP header.
inline constexpr std::size_t udp_length = 4;
inline constexpr std::size_t udp_checksum = 6;

inline constexpr std::uint8_t tcp_fin = 0x01;
inline constexpr std::uint8_t tcp_psh = 0x08;
inline constexpr std::uint8_t tcp_ack = 0x10;
inline constexpr std::uint8_t tcp_ece = 0x40;
inline constexpr std::uint8_t tcp_cwr = 0x80;

}  // namespace wg4::offload
