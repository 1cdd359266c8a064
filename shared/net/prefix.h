#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/net/ip_address.h"

namespace wg4 {

/// An address with a prefix length, as in AllowedIPs ("10.0.0.0/8") and in Address ("10.0.0.2/24": host bits kept).
struct Prefix {
  IpAddress address;
  std::uint8_t length = 0;  ///< 0..address.bits()

  /// "10.0.0.0/8", or a bare address, which means /32 or /128.
  [[nodiscard]] static std::optional<Prefix> parse(std::string_view text);
  /// The same network with all host bits zero.
  [[nodiscard]] Prefix masked() const;
  [[nodiscard]] bool contains(const IpAddress& other) const;
  /// True when every address of `other` is in this prefix, too.
  [[nodiscard]] bool covers(const Prefix& other) const { return length <= other.length && contains(other.address); }
  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

}  // namespace wg4
