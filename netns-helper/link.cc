#include "netns-helper/link.h"

#include <algorithm>
#include <cerrno>
#include <expected>
#include <iterator>
#include <optional>
#include <span>

#include "shared/net/ip_address.h"
#include "shared/net/mtu.h"
#include "shared/net/prefix.h"

namespace wg4 {
namespace {

// Packets. TUN's own 500 overflow in bursts; this is what Ethernet devices have.
constexpr std::uint32_t queue_length = 1000;

/// What a plan says about one address family.
struct FamilyPlan {
  std::vector<Prefix> addresses;
  std::vector<Prefix> routes;
  RouteOptions options;
  [[nodiscard]] bool empty() const { return addresses.empty() && routes.empty(); }
};

std::optional<IpAddress> one_of(const std::vector<IpAddress>& addresses, Family family) {
  const auto found = std::ranges::find(addresses, family, &IpAddress::family);
  return found == addresses.end() ? std::nullopt : std::optional(*found);
}

FamilyPlan part_of(const LinkPlan& plan, Family family) {
  FamilyPlan part;
  const auto is_of_family = [family](const Prefix& prefix) { return prefix.address.family() == family; };
  std::ranges::copy_if(plan.addresses, std::back_inserter(part.addresses), is_of_family);
  std::ranges::copy_if(plan.routes, std::back_inserter(part.routes), is_of_family);
  part.options = {.table = plan.table,
                  .preferred_source = one_of(plan.route_sources, family),
                  .mtu = plan.route_mtu,
                  .gateway = one_of(plan.gateways, family)};
  return part;
}

Result<Link> find_link(Netlink& netlink, const std::string& name) {
  const auto link = TRY(netlink.link(name));
  if (!link) return fail("the interface " + name + " has gone from the namespace");
  return *link;
}

std::unexpected<Error> explain(const RouteConflict& conflict) {
  const std::string route = conflict.route.to_string();
  const std::string owner = conflict.owner.empty() ? "something else" : "the interface " + conflict.owner;
  const std::string device = conflict.owner.empty() ? "" : " dev " + conflict.owner;
  return fail("the namespace has the route " + route + " already, to " + owner, 0,
              "Remove it there (ip route del " + route + device + "), or write 'Table = off' in the configuration");
}

Result<void> apply_family(Netlink& netlink, const Link& link, const FamilyPlan& part) {
  for (const Prefix& address : part.addresses) TRY(netlink.add_address(link, address));
  const auto conflicts = TRY(netlink.add_routes(link, part.routes, part.options));
  if (!conflicts.empty()) return explain(conflicts.front());
  return {};
}

Result<void> prepare_link(Netlink& netlink, const Link& link, std::uint16_t mtu) {
  LinkChange change{.queue_length = queue_length};
  if (mtu != 0) change.mtu = mtu;
  TRY(netlink.change_link(link, change));
  // A WireGuard link has no link-local address, and router solicitations have no business in a tunnel.
  const auto suppressed = netlink.suppress_link_local(link);
  const bool has_no_v6 = !suppressed && suppressed.error().number == EAFNOSUPPORT;
  if (!suppressed && !has_no_v6) return suppressed;
  return {};
}

/// Why IPv6 cannot work here, if `error` is of that kind.
std::optional<std::string> why_no_v6(const Error& error, std::uint16_t mtu) {
  if (mtu != 0 && mtu < min_ipv6_mtu)
    return "the MTU " + std::to_string(mtu) + " is below 1280, the least that IPv6 works with";
  if (error.number == EACCES) return "IPv6 is switched off in the namespace (sysctl net.ipv6.conf.all.disable_ipv6)";
  if (error.number == EOPNOTSUPP || error.number == EAFNOSUPPORT) return "the kernel runs without IPv6";
  return std::nullopt;
}

}  // namespace

Result<void> apply_mtu(Netlink& netlink, const std::string& ifname, std::uint16_t mtu) {
  return prepare_link(netlink, TRY(find_link(netlink, ifname)), mtu);
}

Result<std::vector<std::string>> apply_plan(Netlink& netlink, const std::string& ifname, const LinkPlan& plan) {
  const Link loopback = TRY(find_link(netlink, "lo"));
  TRY(netlink.bring_up(loopback));
  for (const Prefix& network : plan.local_networks) TRY(netlink.add_local_network(loopback, network));
  const Link link = TRY(find_link(netlink, ifname));
  TRY(prepare_link(netlink, link, plan.mtu));
  TRY(netlink.bring_up(link));

  const FamilyPlan v4 = part_of(plan, Family::v4);
  const FamilyPlan v6 = part_of(plan, Family::v6);
  TRY(apply_family(netlink, link, v4));
  const auto v6_applied = apply_family(netlink, link, v6);
  if (v6_applied) return std::vector<std::string>{};

  const auto reason = why_no_v6(v6_applied.error(), plan.mtu);
  if (!reason) return std::unexpected(v6_applied.error());
  if (v4.empty())
    return fail(v6_applied.error().what, v6_applied.error().number,
                "All of this configuration is IPv6, but " + *reason);
  return std::vector<std::string>{"the IPv6 addresses and routes were left out: " + *reason};
}

}  // namespace wg4
