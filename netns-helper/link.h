#pragma once
// A LinkPlan put in force.

#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/config/link_plan.h"
#include "shared/sys/netlink.h"

namespace wg4 {

/// Brings lo up, then gives `ifname` its MTU, addresses and routes and brings it up. What is true already stays. Where
/// IPv6 cannot work, its part of a plan that also has IPv4 is left out; the sentences returned tell the user.
[[nodiscard]] Result<std::vector<std::string>> apply_plan(Netlink& netlink, const std::string& ifname,
                                                          const LinkPlan& plan);

/// Gives `ifname` an MTU (0 = leaves it) and a queue as tunnels need it, and leaves it down for its owner.
[[nodiscard]] Result<void> apply_mtu(Netlink& netlink, const std::string& ifname, std::uint16_t mtu);

}  // namespace wg4
