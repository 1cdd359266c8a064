#pragma once

#include <cstdint>
#include <string_view>

namespace wg4 {

/// The protocol of a published port.
enum class Protocol : std::uint8_t { tcp, udp };

/// "tcp", "udp".
[[nodiscard]] constexpr std::string_view name_of(Protocol protocol) {
  return protocol == Protocol::tcp ? "tcp" : "udp";
}

}  // namespace wg4
