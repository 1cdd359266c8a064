#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/net/ip_address.h"

namespace wg4 {

/// A UDP address: where datagrams go to or come from.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;   ///< host byte order
  std::uint32_t scope = 0;  ///< interface index of an IPv6 link-local address, else 0

  /// Numeric "1.2.3.4:51820", "[fd00::1]:51820" or "[fe80::1%3]:51820" (the scope as a number).
  [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace wg4
