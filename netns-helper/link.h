#pragma once
// A LinkPlan put in force.

#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/link/link_plan.h"
#include "shared/sys/netlink.h"

namespace wg4 {

/// Brings lo up, then gives `ifname` its MTU, addresses and routes and brings it up. What is true already stays. Where
/// IPv6 cannot work, its part of a plan that also has IPv4 is left out; the sentences returned tell the user.
[[nodiscard]] Result<std::vector<std::string>> apply_plan(Netlink& netlink, const std::string& ifname,
                                                          const LinkPlan& plan);

/// What became of an interface that serves already.
struct Followed {
  std::vector<std::string> warnings;  ///< sentences for the user
  std::vector<std::string> changes;   ///< "MTU 1300", "routes set: 10.9.0.0/16"; nothing if all was so before
};

/// The same for an interface that serves: besides, what an earlier plan set, and this one does not want, goes. Routes
/// and addresses that somebody else gave it stay.
[[nodiscard]] Result<Followed> follow_plan(Netlink& netlink, const std::string& ifname, const LinkPlan& plan);

/// Gives `ifname` an MTU (0 = leaves it) and a queue as tunnels need it, and leaves it down for its owner.
[[nodiscard]] Result<void> apply_mtu(Netlink& netlink, const std::string& ifname, std::uint16_t mtu);

}  // namespace wg4
