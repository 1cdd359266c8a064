#pragma once
// What a network namespace listens on, as its /proc/net/tcp and the like tell it.

#include <cstdint>
#include <map>
#include <string_view>

#include "shared/net/protocol.h"

namespace wg4::forward {

/// By which family a port is surely reached from within: sockets of IPv6 may leave IPv4 to others.
enum class Reach : std::uint8_t { v6, v4 };

/// The ports of `text` (of tcp, tcp6, udp or udp6) that take what strangers send: TCP listens, UDP is not connected.
/// Lines that are not as the kernel writes them are skipped.
[[nodiscard]] std::map<std::uint16_t, Reach> listening_ports(std::string_view text, Protocol protocol);

}  // namespace wg4::forward
