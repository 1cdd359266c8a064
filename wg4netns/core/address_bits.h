#pragma once
// Addresses as numbers, for code that compares them, and masks them, by their leading bits.

#include <bit>
#include <cstdint>

#include "shared/base/bytes.h"

namespace wg4 {

/// An IPv4 address as a number; its first bit is the first on the wire.
struct Bits32 {
  std::uint32_t value = 0;

  [[nodiscard]] static Bits32 load(const std::uint8_t* wire) { return {load_be<std::uint32_t>(wire)}; }
  void store(std::uint8_t* wire) const { store_be(wire, value); }
  /// A hexadecimal digit, counted from the left: 0..7.
  [[nodiscard]] unsigned digit(unsigned at) const { return (value >> (28 - 4 * at)) & 15; }
  /// How many leading bits are equal.
  [[nodiscard]] unsigned common(Bits32 other) const {
    return static_cast<unsigned>(std::countl_zero(value ^ other.value));
  }
  [[nodiscard]] Bits32 masked(unsigned length) const {
    return {length == 0 ? 0 : value & (~std::uint32_t{0} << (32 - length))};
  }
};

/// An IPv6 address in the same way.
struct Bits128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  [[nodiscard]] static Bits128 load(const std::uint8_t* wire) {
    return {load_be<std::uint64_t>(wire), load_be<std::uint64_t>(wire + 8)};
  }
  void store(std::uint8_t* wire) const {
    store_be(wire, high);
    store_be(wire + 8, low);
  }
  /// 0..31.
  [[nodiscard]] unsigned digit(unsigned at) const {
    return static_cast<unsigned>(at < 16 ? high >> (60 - 4 * at) : low >> (124 - 4 * at)) & 15;
  }
  [[nodiscard]] unsigned common(Bits128 other) const {
    const std::uint64_t difference = high ^ other.high;
    if (difference != 0) return static_cast<unsigned>(std::countl_zero(difference));
    return 64 + static_cast<unsigned>(std::countl_zero(low ^ other.low));
  }
  [[nodiscard]] Bits128 masked(unsigned length) const {
    constexpr std::uint64_t ones = ~std::uint64_t{0};
    if (length == 0) return {};
    if (length <= 64) return {high & (ones << (64 - length)), 0};
    return {high, low & (ones << (128 - length))};
  }
};

}  // namespace wg4
