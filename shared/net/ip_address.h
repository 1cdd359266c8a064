#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wg4 {

enum class Family : std::uint8_t { v4, v6 };

/// An IPv4 or IPv6 address, bytes in network order. An IPv4-mapped IPv6 address stays IPv6.
class IpAddress {
 public:
  /// 0.0.0.0
  constexpr IpAddress() = default;
  [[nodiscard]] static IpAddress v4(std::span<const std::uint8_t, 4> bytes);
  [[nodiscard]] static IpAddress v6(std::span<const std::uint8_t, 16> bytes);
  /// Numeric text only ("10.0.0.1", "fd00::1"); no scope, no brackets, no look-up.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] bool is_v4() const { return family_ == Family::v4; }
  /// 4 or 16 bytes.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {bytes_.data(), is_v4() ? 4U : 16U}; }
  /// 32 or 128.
  [[nodiscard]] unsigned bits() const { return is_v4() ? 32 : 128; }
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::v4;
  std::array<std::uint8_t, 16> bytes_{};  // the unused tail of a v4 address is zero
};

}  // namespace wg4
