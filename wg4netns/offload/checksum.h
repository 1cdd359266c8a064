#pragma once
// The Internet checksum (RFC 1071). Sums are kept in memory order, so that no byte is ever swapped: the sum of
// byte-swapped words is the byte-swapped sum.

#include <bit>
#include <cstdint>

#include "shared/base/bytes.h"

namespace wg4::offload {

/// An unfolded ones' complement sum.
using Sum = std::uint64_t;

/// Adds `bytes` as 16-bit words in memory order, an odd last byte padded with zero. Only the last piece of a packet
/// may be of odd length.
[[nodiscard]] Sum add_bytes(Sum sum, ByteView bytes);
/// Adds a 16-bit value in host order.
[[nodiscard]] inline Sum add_word(Sum sum, std::uint16_t value) { return sum + to_or_from<std::endian::big>(value); }
/// Folds to 16 bits in memory order; not complemented.
[[nodiscard]] inline std::uint16_t fold(Sum sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

/// Stores the folded sum, complemented, as a checksum field.
void store_checksum(std::uint8_t* field, Sum sum);

/// Pseudo-header of TCP and UDP (RFC 9293 3.1, RFC 8200 8.1) for a packet that begins with a whole IP header, without
/// the length: add that with add_word().
[[nodiscard]] Sum pseudo_header(const std::uint8_t* ip_header, std::uint8_t protocol);

}  // namespace wg4::offload
