#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "shared/config/wg_config.h"
#include "shared/net/endpoint.h"

namespace wg4 {

/// The interface's MTU in bytes: what the command line says, else the configuration, else the smallest MTU on the way
/// to an endpoint less 80 (IPv6 and UDP headers, and ours), as wg-quick does. An engine that says 65520 means "unset".
[[nodiscard]] std::uint16_t choose_mtu(std::optional<std::uint16_t> given, const WgConfig& config,
                                       std::span<const Endpoint> endpoints);

}  // namespace wg4
