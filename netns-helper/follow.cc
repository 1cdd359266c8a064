#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "netns-helper/link.h"
#include "shared/base/result.h"
#include "shared/link/link_plan.h"
#include "shared/net/prefix.h"
#include "shared/sys/netlink.h"

// What has changed is what is seen to differ afterwards: the kernel takes routes and addresses along with others.

namespace wg4 {
namespace {

constexpr std::uint32_t main_table = 254;  // RT_TABLE_MAIN

/// What of an interface a plan is about; lists in order.
struct State {
  std::uint32_t mtu = 0;
  std::vector<Prefix> addresses;
  std::vector<OwnRoute> routes;
};

Result<Link> find_link(Netlink& netlink, const std::string& ifname) {
  const auto link = TRY(netlink.link(ifname));
  if (!link) return fail("the interface " + ifname + " has gone from the namespace");
  return *link;
}

Result<State> look(Netlink& netlink, const std::string& ifname) {
  const Link link = TRY(find_link(netlink, ifname));
  State state{.mtu = link.mtu, .addresses = TRY(netlink.addresses(link)), .routes = TRY(netlink.own_routes(link))};
  std::ranges::sort(state.addresses);
  std::ranges::sort(state.routes);
  return state;
}

template <class T>
std::vector<T> only_in(const std::vector<T>& one, const std::vector<T>& other) {
  std::vector<T> rest;
  std::ranges::set_difference(one, other, std::back_inserter(rest));
  return rest;
}

std::string name_of(const Prefix& address) { return address.to_string(); }
std::string name_of(const OwnRoute& route) {
  const std::string table = route.table == main_table ? "" : " in table " + std::to_string(route.table);
  return route.destination.to_string() + table;
}

/// "routes set: 10.9.0.0/16, 10.10.0.0/16 and 7 more".
template <class T>
void tell(std::vector<std::string>& changes, const std::string& what, const std::vector<T>& things) {
  constexpr std::size_t max_named = 4;
  if (things.empty()) return;
  std::string text = what + ": ";
  for (std::size_t i = 0; i < std::min(things.size(), max_named); ++i)
    text.append(i == 0 ? "" : ", ").append(name_of(things[i]));
  if (things.size() > max_named) text.append(" and " + std::to_string(things.size() - max_named) + " more");
  changes.push_back(std::move(text));
}

std::vector<std::string> differences(const State& before, const State& after) {
  std::vector<std::string> changes;
  if (before.mtu != after.mtu) changes.push_back("MTU " + std::to_string(after.mtu));
  tell(changes, "addresses set", only_in(after.addresses, before.addresses));
  tell(changes, "addresses removed", only_in(before.addresses, after.addresses));
  tell(changes, "routes set", only_in(after.routes, before.routes));
  tell(changes, "routes removed", only_in(before.routes, after.routes));
  return changes;
}

/// Ours that the plan does not have.
std::vector<OwnRoute> stale_routes(std::vector<OwnRoute> ours, const LinkPlan& plan) {
  std::ranges::sort(ours);
  std::vector<OwnRoute> wanted;
  wanted.reserve(plan.routes.size());
  for (const Prefix& route : plan.routes) wanted.push_back({route.masked(), plan.table == 0 ? main_table : plan.table});
  std::ranges::sort(wanted);
  return only_in(ours, wanted);
}

}  // namespace

Result<Followed> follow_plan(Netlink& netlink, const std::string& ifname, const LinkPlan& plan) {
  const Link link = TRY(find_link(netlink, ifname));
  const State before = TRY(look(netlink, ifname));
  for (const Prefix& address : plan.retired_addresses)
    if (std::ranges::find(plan.addresses, address) == plan.addresses.end()) TRY(netlink.remove_address(link, address));
  Followed followed{.warnings = TRY(apply_plan(netlink, ifname, plan)), .changes = {}};
  auto ours = TRY(netlink.own_routes(link));
  TRY(netlink.remove_routes(link, stale_routes(std::move(ours), plan)));
  const State after = TRY(look(netlink, ifname));
  followed.changes = differences(before, after);
  return followed;
}

}  // namespace wg4
