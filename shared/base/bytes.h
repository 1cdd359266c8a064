#pragma once
// Bytes on the wire are read and written with exact sizes and a named byte order, never by casts.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace wg4 {

using ByteSpan = std::span<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// Reads a little-endian integer from the front of `from`, which must be at least that long.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T load_le(const std::uint8_t* from) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value | static_cast<T>(T{from[i]} << (8 * i)));
  return value;
}

/// Reads a big-endian (network order) integer.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T load_be(const std::uint8_t* from) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value | static_cast<T>(T{from[i]} << (8 * (sizeof(T) - 1 - i))));
  return value;
}

template <std::unsigned_integral T>
constexpr void store_le(std::uint8_t* to, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

template <std::unsigned_integral T>
constexpr void store_be(std::uint8_t* to, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(T) - 1 - i)));
}

/// memcpy that also accepts empty spans with null data.
inline void copy_bytes(std::uint8_t* to, ByteView from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

}  // namespace wg4
