#include "shared/config/make_link_plan.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "shared/net/prefix.h"

namespace wg4 {
namespace {

/// The networks that the kernel itself routes to the interface because of its addresses, outermost ones only: disjoint
/// and in order, so that one binary search answers for any prefix.
class ConnectedNetworks {
 public:
  explicit ConnectedNetworks(const std::vector<Prefix>& addresses) {
    std::vector<Prefix> networks;
    for (const Prefix& address : addresses) {
      if (makes_route(address)) networks.push_back(address.masked());
    }
    std::ranges::sort(networks);  // a network comes right before all that it covers
    for (const Prefix& network : networks) {
      if (outermost_.empty() || !outermost_.back().covers(network)) outermost_.push_back(network);
    }
  }

  [[nodiscard]] bool cover(const Prefix& route) const {
    const auto after = std::ranges::upper_bound(outermost_, route);
    return after != outermost_.begin() && std::prev(after)->covers(route);
  }

 private:
  /// An IPv4 address alone (/32) brings no route, and a /0 none that could stand for a default route.
  static bool makes_route(const Prefix& address) {
    return address.length != 0 && (address.length != 32 || !address.address.is_v4());
  }

  std::vector<Prefix> outermost_;
};

bool comes_first(const Prefix& left, const Prefix& right) {
  if (left.address.family() != right.address.family()) return left.address.is_v4();
  if (left.length != right.length) return left.length > right.length;
  return left.address < right.address;
}

std::vector<Prefix> make_routes(const WgConfig& config) {
  std::vector<Prefix> routes;
  for (const PeerConfig& peer : config.peers) {
    for (const Prefix& prefix : peer.allowed_ips) routes.push_back(prefix.masked());
  }
  std::ranges::sort(routes, comes_first);
  const auto duplicates = std::ranges::unique(routes);
  routes.erase(duplicates.begin(), duplicates.end());
  return routes;
}

}  // namespace

LinkPlan make_link_plan(const WgConfig& config, std::uint16_t mtu) {
  LinkPlan plan{.mtu = mtu,
                .addresses = config.addresses,
                .routes = {},
                .table = config.table_number,
                .route_sources = {},
                .route_mtu = 0,
                .gateways = {},
                .retired_addresses = {},
                .local_networks = {}};
  if (config.table == RouteTable::off) return plan;
  plan.routes = make_routes(config);
  // The kernel's own routes are in the main table; a table of the user's choice needs them all.
  if (config.table == RouteTable::automatic) {
    const ConnectedNetworks connected(config.addresses);
    std::erase_if(plan.routes, [&](const Prefix& route) { return connected.cover(route); });
  }
  return plan;
}

}  // namespace wg4
