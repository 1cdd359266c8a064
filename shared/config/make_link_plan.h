#pragma once
// The key-free half of a configuration.

#include <cstdint>

#include "shared/config/wg_config.h"
#include "shared/link/link_plan.h"

namespace wg4 {

/// Addresses and routes of `config`: a route for each AllowedIPs entry, unless Table is "off" or, in the main table, an
/// address' own network covers it. A default route stays one route ("0.0.0.0/0"): the namespace has no other.
[[nodiscard]] LinkPlan make_link_plan(const WgConfig& config, std::uint16_t mtu);

}  // namespace wg4
