#pragma once
// What a network namespace listens on, as its /proc/net/tcp and the like tell it.

#include <cstdint>
#include <set>
#include <string_view>

#include "shared/net/protocol.h"

namespace wg4::forward {

/// The ports of `text` (of tcp, tcp6, udp or udp6) that take what strangers send: TCP listens, UDP is not connected.
/// Lines that are not as the kernel writes them are skipped.
[[nodiscard]] std::set<std::uint16_t> listening_ports(std::string_view text, Protocol protocol);

}  // namespace wg4::forward
