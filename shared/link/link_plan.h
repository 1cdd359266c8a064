#pragma once
// All that the helper ever gets of a configuration. There is no key in it, and nothing that has one is included here.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"

namespace wg4 {

/// What is to be true of the interface and its namespace. Applying it twice changes nothing.
struct LinkPlan {
  std::uint16_t mtu = 0;  ///< bytes
  std::vector<Prefix> addresses;
  std::vector<Prefix> routes;  ///< masked, each once; IPv4 before IPv6, longest prefix first
  std::uint32_t table = 0;     ///< routing table, 0 = main
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

  /// Networks all of whose addresses are the namespace's own, by routes to lo: what listens there speaks for them.
  std::vector<Prefix> local_networks;

  static constexpr std::size_t max_entries = std::size_t{1} << 24;  // of each list
  /// For shared/wire/wire.h.
  static constexpr void fields(auto& self, auto& visit) {
    visit(self.mtu);
    visit.list(self.addresses, max_entries);
    visit.list(self.routes, max_entries);
    visit(self.table);
    visit.list(self.route_sources, max_entries);
    visit(self.route_mtu);
    visit.list(self.gateways, max_entries);
    visit.list(self.retired_addresses, max_entries);
    visit.list(self.local_networks, max_entries);
  }

  friend bool operator==(const LinkPlan&, const LinkPlan&) = default;
};

}  // namespace wg4
