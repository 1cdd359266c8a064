#pragma once
// Bytes on the wire are read and written with exact sizes and a named byte order, never by casts.

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace wg4 {

using ByteSpan = std::span<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// Converts between host order and `order`. GCC 12 compiles portable shifts to byte loops; this is one instruction.
template <std::endian order, std::unsigned_integral T>
[[nodiscard]] constexpr T to_or_from(T value) {
  return order == std::endian::native ? value : std::byteswap(value);
}

/// Reads a little-endian integer from the front of `from`, which must be at least that long.
template <std::unsigned_integral T>
[[nodiscard]] inline T load_le(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return to_or_from<std::endian::little>(value);
}

/// Reads a big-endian (network order) integer.
template <std::unsigned_integral T>
[[nodiscard]] inline T load_be(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return to_or_from<std::endian::big>(value);
}

template <std::unsigned_integral T>
inline void store_le(std::uint8_t* to, T value) {
  value = to_or_from<std::endian::little>(value);
  std::memcpy(to, &value, sizeof(T));
}

template <std::unsigned_integral T>
inline void store_be(std::uint8_t* to, T value) {
  value = to_or_from<std::endian::big>(value);
  std::memcpy(to, &value, sizeof(T));
}

/// memcpy that also accepts empty spans with null data.
inline void copy_bytes(std::uint8_t* to, ByteView from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

}  // namespace wg4
