#pragma once

#include <cstdint>

#include "shared/sys/event_loop.h"

namespace wg4::forward {

/// What an event of the loop is about.
enum class Kind : std::uint32_t {
  stop,
  agent,
  api_listener,
  api_client,    ///< number: slot
  tcp_listener,  ///< number: rule
  tcp_client,    ///< number: slot of the connection; its side on the host
  tcp_guest,     ///< the same; its side in the namespace
  udp_listener,  ///< number: rule
  udp_flow,      ///< number: flow
};

/// A Kind and a number of up to 28 bits.
enum class Token : std::uint32_t {};

[[nodiscard]] constexpr Token make_token(Kind kind, std::uint32_t number = 0) {
  return Token{(static_cast<std::uint32_t>(kind) << 28) | number};
}
[[nodiscard]] constexpr Kind kind_of(Token token) { return Kind{static_cast<std::uint32_t>(token) >> 28}; }
[[nodiscard]] constexpr std::uint32_t number_of(Token token) {
  return static_cast<std::uint32_t>(token) & ((std::uint32_t{1} << 28) - 1);
}

using Loop = EventLoop<Token>;

}  // namespace wg4::forward
