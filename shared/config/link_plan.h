#pragma once
// The key-free half of a configuration: all that the helper ever gets.

#include <cstdint>
#include <string>
#include <vector>

#include "shared/config/wg_config.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"

namespace wg4 {

/// What is to be true of the interface and its namespace. Applying it twice changes nothing.
struct LinkPlan {
  std::uint16_t mtu = 0;  ///< bytes
  std::vector<Prefix> addresses;
  std::vector<Prefix> routes;  ///< masked, each once; IPv4 before IPv6, longest prefix first
  std::uint32_t table = 0;     ///< routing table, 0 = main
  std::vector<IpAddress> dns_servers;
  std::vector<std::string> dns_search;
  /// The address that packets on `routes` leave from, at most one of each family; where there is none the kernel
  /// chooses.
  std::vector<IpAddress> route_sources;
  /// What the routes carry, in bytes, however large somebody makes the interface's MTU later; 0 = what that says.
  std::uint16_t route_mtu = 0;
  /// What default routes name as their next hop, at most one of each family; without it they lead to the interface as
  /// all others do.
  std::vector<IpAddress> gateways;
  /// Addresses of an earlier plan: they are taken off the interface, as far as `addresses` has them no more.
  std::vector<Prefix> retired_addresses;

  friend bool operator==(const LinkPlan&, const LinkPlan&) = default;
};

/// Addresses and routes of `config`: a route for each AllowedIPs entry, unless Table is "off" or, in the main table, an
/// address' own network covers it. A default route stays one route ("0.0.0.0/0"): the namespace has no other.
[[nodiscard]] LinkPlan make_link_plan(const WgConfig& config, std::uint16_t mtu);

}  // namespace wg4
