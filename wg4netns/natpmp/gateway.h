#pragma once

#include <optional>
#include <span>

#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"

namespace wg4::natpmp {

/// Where a tunnel's gateway is, as a guess: its DNS server, if that has a private address (IPv4), else the first
/// address of the interface's own network. Nothing if there is neither.
[[nodiscard]] std::optional<IpAddress> guess_gateway(std::span<const IpAddress> servers,
                                                     std::span<const Prefix> addresses);

}  // namespace wg4::natpmp
