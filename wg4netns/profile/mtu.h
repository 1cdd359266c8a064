#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "shared/config/wg_config.h"
#include "shared/net/endpoint.h"

namespace wg4 {

/// The interface's MTU in bytes: that of the command line, else of the configuration, else the smallest MTU on the way
/// to an endpoint less 80 (IPv6, UDP and WireGuard headers), as in wg-quick. 65520 from an engine means "not set".
[[nodiscard]] std::uint16_t choose_mtu(std::optional<std::uint16_t> given, const WgConfig& config,
                                       std::span<const Endpoint> endpoints);

}  // namespace wg4
