#pragma once
// The ports that a network namespace listens on, by its /proc/net/tcp, udp, tcp6 and udp6.

#include <cstdint>
#include <map>
#include <string_view>

#include "shared/net/protocol.h"

namespace wg4::forward {

/// The address family that is sure to reach a port: an IPv6 socket may not accept IPv4.
enum class Reach : std::uint8_t { v6, v4 };

/// The ports of `text` (of tcp, tcp6, udp or udp6) that unknown clients can reach: TCP sockets that listen, UDP sockets
/// that are not connected. Skips malformed lines.
[[nodiscard]] std::map<std::uint16_t, Reach> listening_ports(std::string_view text, Protocol protocol);

}  // namespace wg4::forward
