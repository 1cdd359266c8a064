#include "shared/sys/netlink.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <expected>
#include <iterator>
#include <map>
#include <utility>

#include "shared/net/ip_address.h"
#include "shared/sys/netlink_message.h"

// One datagram with one or more requests is sent, then answers are read until the one to the last request. Only the
// last request asks for an acknowledgement; a request that fails is always answered.

namespace wg4 {
namespace {

constexpr std::size_t receive_size = std::size_t{32} * 1024;  // the most that the kernel sends at once in a dump
// If all requests of a batch are refused, the answers must fit the socket's default buffer.
constexpr std::size_t routes_per_batch = 128;
// The metric that the kernel gives to a route without one; IP6_RT_PRIO_USER.
constexpr std::uint32_t default_metric_v4 = 0;
constexpr std::uint32_t default_metric_v6 = 1024;

std::uint8_t kernel_family(const IpAddress& address) { return address.is_v4() ? AF_INET : AF_INET6; }

std::string with_detail(const std::string& what, const std::string& detail) {
  return detail.empty() ? what : what + " (" + detail + ")";
}

Link parse_link(const nlmsghdr* message) {
  const auto body = netlink::body_of<ifinfomsg>(message);
  const netlink::Attributes attributes(message, sizeof body);
  const netlink::Attributes info = attributes.nested(IFLA_LINKINFO);
  Link link;
  link.index = static_cast<std::uint32_t>(body.ifi_index);
  link.name = attributes.text(IFLA_IFNAME);
  link.kind = info.text(IFLA_INFO_KIND);
  link.mtu = attributes.u32(IFLA_MTU).value_or(0);
  link.up = (body.ifi_flags & IFF_UP) != 0;
  link.carrier = attributes.flag(IFLA_CARRIER);
  const netlink::Attributes tun = info.nested(IFLA_INFO_DATA);
  if (link.kind == "tun" && !tun.empty())
    link.tun = TunTraits{tun.u8(IFLA_TUN_TYPE) == IFF_TAP, tun.flag(IFLA_TUN_PERSIST), tun.flag(IFLA_TUN_MULTI_QUEUE)};
  return link;
}

/// One entry of a routing table, with what matters for conflicts with our routes.
struct RouteEntry {
  Prefix destination;
  std::uint32_t table = 0;
  std::uint32_t link = 0;  // index; 0 = none, or several
  bool is_ours = false;    // has the mark of our routes
  bool leads_out = false;
  bool is_plain = false;  // has the family, type of service and metric of our routes

  explicit RouteEntry(const nlmsghdr* message) {
    const auto body = netlink::body_of<rtmsg>(message);
    const netlink::Attributes attributes(message, sizeof body);
    const bool v4 = body.rtm_family == AF_INET;
    const IpAddress any = v4 ? IpAddress() : IpAddress::v6(std::array<std::uint8_t, 16>{});
    destination = {attributes.address(RTA_DST).value_or(any), body.rtm_dst_len};
    table = attributes.u32(RTA_TABLE).value_or(body.rtm_table);
    link = attributes.u32(RTA_OIF).value_or(0);
    leads_out = body.rtm_type == RTN_UNICAST;
    is_ours = body.rtm_protocol == RTPROT_STATIC && leads_out;
    is_plain = (v4 || body.rtm_family == AF_INET6) && body.rtm_tos == 0 &&
               attributes.u32(RTA_PRIORITY).value_or(0) == (v4 ? default_metric_v4 : default_metric_v6);
  }
};

void write_route(netlink::Request& request, std::uint32_t link, const Prefix& route, const RouteOptions& options) {
  auto& body = request.body<rtmsg>();
  body.rtm_family = kernel_family(route.address);
  body.rtm_dst_len = route.length;
  body.rtm_table = RT_TABLE_UNSPEC;   // RTA_TABLE has it: this field is too small
  body.rtm_protocol = RTPROT_STATIC;  // differs from that of `ip route add`
  body.rtm_scope = route.address.is_v4() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  body.rtm_type = RTN_UNICAST;
  request.put(RTA_DST, route.masked().address);
  request.put(RTA_OIF, link);
  request.put(RTA_TABLE, options.table == 0 ? std::uint32_t{RT_TABLE_MAIN} : options.table);
  if (options.preferred_source) request.put(RTA_PREFSRC, *options.preferred_source);
  if (options.gateway && route.length == 0) {
    body.rtm_scope = RT_SCOPE_UNIVERSE;
    body.rtm_flags = RTNH_F_ONLINK;
    request.put(RTA_GATEWAY, *options.gateway);
  }
  if (options.mtu != 0) {
    nlattr* metrics = mnl_attr_nest_start(request.message(), RTA_METRICS);
    request.put(RTAX_MTU, options.mtu);
    mnl_attr_nest_end(request.message(), metrics);
  }
}

/// Is it an address that a user or program added, rather than the kernel itself?
bool is_given_address(const nlmsghdr* message, std::uint32_t link) {
  const auto body = netlink::body_of<ifaddrmsg>(message);
  const bool link_local = body.ifa_family == AF_INET6 && body.ifa_scope == RT_SCOPE_LINK;
  return body.ifa_index == link && !link_local;
}

bool is_given_route(const nlmsghdr* message, std::uint32_t link) {
  const auto body = netlink::body_of<rtmsg>(message);
  const netlink::Attributes attributes(message, sizeof body);
  return (body.rtm_family == AF_INET || body.rtm_family == AF_INET6) && attributes.u32(RTA_OIF) == link &&
         body.rtm_protocol != RTPROT_KERNEL && (body.rtm_flags & RTM_F_CLONED) == 0;
}

LinkEntry copy_of(const nlmsghdr* message) {
  const void* start = message;
  const auto* bytes = static_cast<const std::uint8_t*>(start);
  return {bytes, bytes + message->nlmsg_len};
}

nlattr* find_attribute(nlmsghdr* message, std::size_t body_size, std::uint16_t type) {
  const auto* end = static_cast<const std::uint8_t*>(mnl_nlmsg_get_payload_tail(message));
  void* at = mnl_nlmsg_get_payload_offset(message, body_size);
  for (;;) {
    auto* attribute = static_cast<nlattr*>(at);
    if (!mnl_attr_ok(attribute, static_cast<int>(end - static_cast<const std::uint8_t*>(at)))) return nullptr;
    if (mnl_attr_get_type(attribute) == type) return attribute;
    at = mnl_attr_next(attribute);
  }
}

/// Turns the kernel's description of an address into a request to add it to `link`.
void belong_to(nlmsghdr* message, std::uint32_t link) {
  static_cast<ifaddrmsg*>(mnl_nlmsg_get_payload(message))->ifa_index = link;
  // The label is the name of the other link. Without a label the kernel uses this link's name.
  if (nlattr* label = find_attribute(message, sizeof(ifaddrmsg), IFA_LABEL)) label->nla_type = IFA_UNSPEC;
}

/// The same for a route through `link`.
void lead_to(nlmsghdr* message, std::uint32_t link) {
  static_cast<rtmsg*>(mnl_nlmsg_get_payload(message))->rtm_flags &= RTNH_F_ONLINK;  // the other flags are states
  if (nlattr* out = find_attribute(message, sizeof(rtmsg), RTA_OIF))
    std::memcpy(mnl_attr_get_payload(out), &link, sizeof link);
}

}  // namespace

void Netlink::SocketCloser::operator()(mnl_socket* socket) const { mnl_socket_close(socket); }

Result<Netlink> Netlink::open() {
  Socket socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0) return fail("open a netlink socket", errno);
  int on = 1;
  if (mnl_socket_setsockopt(socket.get(), NETLINK_CAP_ACK, &on, sizeof on) != 0 ||
      mnl_socket_setsockopt(socket.get(), NETLINK_EXT_ACK, &on, sizeof on) != 0)
    return fail("set up a netlink socket", errno, "Linux 4.12 or newer is needed");
  return Netlink(std::move(socket));
}

/// Sends `messages`, with sequence numbers up to `last`, and reads until the last one is answered.
Result<std::vector<Netlink::Refusal>> Netlink::converse(ByteView messages, std::uint32_t last,
                                                        const OnMessage& on_message) {
  if (mnl_socket_sendto(socket_.get(), messages.data(), messages.size()) < 0) return fail("send over netlink", errno);
  std::vector<Refusal> refusals;
  alignas(nlmsghdr) std::array<std::uint8_t, receive_size> buffer;
  for (;;) {
    const ssize_t received = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return fail("receive over netlink", errno);
    int left = static_cast<int>(received);
    const void* at = buffer.data();
    for (const auto* message = static_cast<const nlmsghdr*>(at); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_type != NLMSG_ERROR && message->nlmsg_type != NLMSG_DONE) {
        on_message(message);
        continue;
      }
      const netlink::Verdict verdict(message);
      if (verdict.number != 0) refusals.push_back({message->nlmsg_seq, verdict.number, verdict.text});
      if (message->nlmsg_seq == last) return refusals;
    }
  }
}

/// Sends one request that is answered only by success or an error.
Result<void> Netlink::send_one(nlmsghdr* message, const std::string& what) {
  return send_one(message, what, [](const nlmsghdr*) {});
}

/// Sends one request; calls `on_message` for other messages before the acknowledgement or error.
Result<void> Netlink::send_one(nlmsghdr* message, const std::string& what, const OnMessage& on_message) {
  message->nlmsg_seq = ++sequence_;
  if ((message->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) message->nlmsg_flags |= NLM_F_ACK;
  const void* start = message;
  const auto refusals =
      TRY(converse({static_cast<const std::uint8_t*>(start), message->nlmsg_len}, sequence_, on_message));
  if (!refusals.empty()) return fail(with_detail(what, refusals.front().text), refusals.front().number);
  return {};
}

Result<std::optional<Link>> Netlink::get_link(nlmsghdr* message, const std::string& what) {
  std::optional<Link> link;
  const auto done = send_one(message, what, [&link](const nlmsghdr* answer) { link = parse_link(answer); });
  if (!done && done.error().number != ENODEV) return std::unexpected(done.error());
  return link;
}

Result<std::optional<Link>> Netlink::link(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return std::nullopt;
  netlink::Request request(RTM_GETLINK, 0);
  request.body<ifinfomsg>();
  request.put(IFLA_IFNAME, name);
  return get_link(request.message(), "look up the interface " + name);
}

Result<std::optional<Link>> Netlink::link_at(std::uint32_t index) {
  netlink::Request request(RTM_GETLINK, 0);
  request.body<ifinfomsg>().ifi_index = static_cast<int>(index);
  return get_link(request.message(), "look up interface number " + std::to_string(index));
}

Result<std::vector<Link>> Netlink::links() {
  netlink::Request request(RTM_GETLINK, NLM_F_DUMP);
  request.body<ifinfomsg>();
  std::vector<Link> links;
  TRY(send_one(request.message(), "list the interfaces",
               [&links](const nlmsghdr* answer) { links.push_back(parse_link(answer)); }));
  return links;
}

Result<void> Netlink::delete_link(const Link& link) {
  netlink::Request request(RTM_DELLINK, 0);
  request.body<ifinfomsg>().ifi_index = static_cast<int>(link.index);
  return send_one(request.message(), "delete the interface " + link.name);
}

Result<void> Netlink::change_link(const Link& link, const LinkChange& change) {
  netlink::Request request(RTM_NEWLINK, 0);
  request.body<ifinfomsg>().ifi_index = static_cast<int>(link.index);
  if (change.mtu) request.put(IFLA_MTU, *change.mtu);
  if (change.queue_length) request.put(IFLA_TXQLEN, *change.queue_length);
  const std::string mtu = change.mtu ? " to MTU " + std::to_string(*change.mtu) : "";
  return send_one(request.message(), "set the interface " + link.name + mtu);
}

Result<void> Netlink::rename_link(const Link& link, const std::string& name) {
  netlink::Request request(RTM_NEWLINK, 0);
  request.body<ifinfomsg>().ifi_index = static_cast<int>(link.index);
  request.put(IFLA_IFNAME, name);
  return send_one(request.message(), "rename the interface " + link.name + " to " + name);
}

Result<void> Netlink::set_up(const Link& link, bool up) {
  netlink::Request request(RTM_NEWLINK, 0);
  auto& body = request.body<ifinfomsg>();
  body.ifi_index = static_cast<int>(link.index);
  body.ifi_flags = up ? IFF_UP : 0;
  body.ifi_change = IFF_UP;
  return send_one(request.message(), "bring the interface " + link.name + (up ? " up" : " down"));
}

Result<void> Netlink::bring_up(const Link& link) { return set_up(link, true); }

Result<void> Netlink::bring_down(const Link& link) { return set_up(link, false); }

Result<void> Netlink::suppress_link_local(const Link& link) {
  netlink::Request request(RTM_NEWLINK, 0);
  request.body<ifinfomsg>().ifi_index = static_cast<int>(link.index);
  nlmsghdr* message = request.message();
  nlattr* families = mnl_attr_nest_start(message, IFLA_AF_SPEC);
  nlattr* v6 = mnl_attr_nest_start(message, AF_INET6);
  mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  mnl_attr_nest_end(message, v6);
  mnl_attr_nest_end(message, families);
  return send_one(message, "switch off automatic IPv6 addresses of " + link.name);
}

Result<void> Netlink::add_address(const Link& link, const Prefix& address) {
  netlink::Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  auto& body = request.body<ifaddrmsg>();
  body.ifa_family = kernel_family(address.address);
  body.ifa_prefixlen = address.length;
  body.ifa_flags = address.address.is_v4() ? 0 : IFA_F_NODAD;
  body.ifa_index = link.index;
  request.put(IFA_LOCAL, address.address);
  request.put(IFA_ADDRESS, address.address);
  auto added = send_one(request.message(), "add the address " + address.to_string() + " to " + link.name);
  if (!added && added.error().number == EEXIST) return {};
  return added;
}

Result<std::vector<Prefix>> Netlink::addresses(const Link& link) {
  netlink::Request request(RTM_GETADDR, NLM_F_DUMP);
  request.body<ifaddrmsg>().ifa_family = AF_UNSPEC;
  std::vector<Prefix> addresses;
  TRY(send_one(request.message(), "list the addresses of " + link.name, [&](const nlmsghdr* message) {
    const auto body = netlink::body_of<ifaddrmsg>(message);
    const netlink::Attributes attributes(message, sizeof body);
    const auto local = attributes.address(IFA_LOCAL);
    const auto address = local ? local : attributes.address(IFA_ADDRESS);
    const bool is_given = body.ifa_scope != RT_SCOPE_LINK;
    if (body.ifa_index == link.index && address && is_given) addresses.push_back({*address, body.ifa_prefixlen});
  }));
  return addresses;
}

Result<void> Netlink::remove_address(const Link& link, const Prefix& address) {
  netlink::Request request(RTM_DELADDR, 0);
  auto& body = request.body<ifaddrmsg>();
  body.ifa_family = kernel_family(address.address);
  body.ifa_prefixlen = address.length;
  body.ifa_index = link.index;
  request.put(IFA_LOCAL, address.address);
  auto removed = send_one(request.message(), "remove the address " + address.to_string() + " from " + link.name);
  if (!removed && removed.error().number == EADDRNOTAVAIL) return {};
  return removed;
}

/// Sends one batch; returns the routes that existed already, on this or another link.
Result<std::vector<Prefix>> Netlink::add_route_batch(const Link& link, std::span<const Prefix> routes,
                                                     const RouteOptions& options) {
  const std::uint32_t first = sequence_ + 1;
  std::vector<std::uint8_t> batch;
  for (const Prefix& route : routes) {
    const bool last = &route == &routes.back();
    // NLM_F_EXCL, never NLM_F_REPLACE: that would silently replace the route of another interface.
    netlink::Request request(RTM_NEWROUTE, unsigned{NLM_F_CREATE | NLM_F_EXCL} | (last ? NLM_F_ACK : 0U));
    request.message()->nlmsg_seq = ++sequence_;
    write_route(request, link.index, route, options);
    batch.insert(batch.end(), request.bytes().begin(), request.bytes().end());
  }

  std::vector<Prefix> existing;
  for (const Refusal& refusal : TRY(converse(batch, sequence_, [](const nlmsghdr*) {}))) {
    const Prefix& route = routes[refusal.sequence - first];
    if (refusal.number != EEXIST)
      return fail(with_detail("add the route " + route.to_string() + " via " + link.name, refusal.text),
                  refusal.number);
    existing.push_back(route.masked());
  }
  return existing;
}

Result<std::vector<RouteConflict>> Netlink::add_routes(const Link& link, std::span<const Prefix> routes,
                                                       const RouteOptions& options) {
  std::vector<Prefix> existing;
  while (!routes.empty()) {
    const std::size_t size = std::min(routes.size(), routes_per_batch);
    const auto refused = TRY(add_route_batch(link, routes.first(size), options));
    existing.insert(existing.end(), refused.begin(), refused.end());
    routes = routes.subspan(size);
  }
  if (existing.empty()) return std::vector<RouteConflict>{};
  return owned_by_others(link, existing, options.table == 0 ? std::uint32_t{RT_TABLE_MAIN} : options.table);
}

/// The ones of `routes`, all of which exist, that are not `link`'s.
Result<std::vector<RouteConflict>> Netlink::owned_by_others(const Link& link, std::span<const Prefix> routes,
                                                            std::uint32_t table) {
  std::map<Prefix, std::uint32_t> owners;
  netlink::Request request(RTM_GETROUTE, NLM_F_DUMP);
  request.body<rtmsg>().rtm_family = AF_UNSPEC;
  TRY(send_one(request.message(), "list the routes", [&](const nlmsghdr* message) {
    const RouteEntry entry(message);
    if (entry.is_plain && entry.table == table) owners.emplace(entry.destination, entry.link);
  }));

  std::vector<RouteConflict> conflicts;
  for (const Prefix& route : routes) {
    const auto owner = owners.find(route);
    const std::uint32_t index = owner == owners.end() ? 0 : owner->second;
    if (index == link.index) continue;
    const auto other = index == 0 ? std::nullopt : TRY(link_at(index));
    conflicts.push_back({route, other ? other->name : std::string()});
  }
  return conflicts;
}

Result<std::vector<LinkEntry>> Netlink::entries(const Link& link) {
  std::vector<LinkEntry> addresses;
  netlink::Request ask_addresses(RTM_GETADDR, NLM_F_DUMP);
  ask_addresses.body<ifaddrmsg>().ifa_family = AF_UNSPEC;
  TRY(send_one(ask_addresses.message(), "list the addresses", [&](const nlmsghdr* message) {
    if (is_given_address(message, link.index)) addresses.push_back(copy_of(message));
  }));
  std::vector<LinkEntry> routes;
  std::vector<LinkEntry> routes_to_gateways;
  netlink::Request ask_routes(RTM_GETROUTE, NLM_F_DUMP);
  ask_routes.body<rtmsg>().rtm_family = AF_UNSPEC;
  TRY(send_one(ask_routes.message(), "list the routes", [&](const nlmsghdr* message) {
    if (!is_given_route(message, link.index)) return;
    const bool has_gateway = netlink::Attributes(message, sizeof(rtmsg)).address(RTA_GATEWAY).has_value();
    (has_gateway ? routes_to_gateways : routes).push_back(copy_of(message));
  }));
  std::ranges::move(routes, std::back_inserter(addresses));
  std::ranges::move(routes_to_gateways, std::back_inserter(addresses));
  return addresses;
}

Result<void> Netlink::add_entry(const Link& link, LinkEntry entry) {
  void* start = entry.data();
  auto* message = static_cast<nlmsghdr*>(start);
  const bool is_address = message->nlmsg_type == RTM_NEWADDR;
  // A route may be added beside the one that it is a copy of.
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | (is_address ? NLM_F_EXCL : NLM_F_APPEND);
  is_address ? belong_to(message, link.index) : lead_to(message, link.index);
  const std::string what = is_address ? "an address" : "a route";
  auto added = send_one(message, "give the interface " + link.name + " " + what + " that its predecessor had");
  if (!added && added.error().number == EEXIST) return {};
  return added;
}

Result<std::vector<OwnRoute>> Netlink::own_routes(const Link& link) {
  netlink::Request request(RTM_GETROUTE, NLM_F_DUMP);
  request.body<rtmsg>().rtm_family = AF_UNSPEC;
  std::vector<OwnRoute> routes;
  TRY(send_one(request.message(), "list the routes", [&](const nlmsghdr* message) {
    const RouteEntry entry(message);
    if (entry.link == link.index && entry.is_ours && entry.is_plain) routes.push_back({entry.destination, entry.table});
  }));
  return routes;
}

Result<std::vector<WayOut>> Netlink::ways_out() {
  netlink::Request request(RTM_GETROUTE, NLM_F_DUMP);
  request.body<rtmsg>().rtm_family = AF_UNSPEC;
  std::vector<WayOut> ways;
  TRY(send_one(request.message(), "list the routes", [&ways](const nlmsghdr* message) {
    const RouteEntry entry(message);
    if (entry.leads_out) ways.push_back({entry.destination, entry.link});
  }));
  return ways;
}

Result<void> Netlink::remove_routes(const Link& link, std::span<const OwnRoute> routes) {
  for (; !routes.empty(); routes = routes.subspan(std::min(routes.size(), routes_per_batch))) {
    const auto some = routes.first(std::min(routes.size(), routes_per_batch));
    const std::uint32_t first = sequence_ + 1;
    std::vector<std::uint8_t> batch;
    for (const OwnRoute& route : some) {
      netlink::Request request(RTM_DELROUTE, &route == &some.back() ? NLM_F_ACK : 0U);
      request.message()->nlmsg_seq = ++sequence_;
      write_route(request, link.index, route.destination, {.table = route.table});
      batch.insert(batch.end(), request.bytes().begin(), request.bytes().end());
    }
    for (const Refusal& refusal : TRY(converse(batch, sequence_, [](const nlmsghdr*) {})))
      if (refusal.number != ESRCH)
        return fail(
            with_detail("remove the route " + some[refusal.sequence - first].destination.to_string(), refusal.text),
            refusal.number);
  }
  return {};
}

Result<bool> Netlink::has_default_route(const Link& link) {
  netlink::Request request(RTM_GETROUTE, NLM_F_DUMP);
  request.body<rtmsg>().rtm_family = AF_INET;
  bool found = false;
  TRY(send_one(request.message(), "list the routes", [&](const nlmsghdr* message) {
    const RouteEntry entry(message);
    found |= entry.destination.length == 0 && entry.table == RT_TABLE_MAIN && entry.link == link.index;
  }));
  return found;
}

Result<std::uint32_t> Netlink::route_mtu(const Endpoint& endpoint) {
  const std::string what = "find the route to " + endpoint.address.to_string();
  netlink::Request request(RTM_GETROUTE, 0);
  auto& body = request.body<rtmsg>();
  body.rtm_family = kernel_family(endpoint.address);
  body.rtm_dst_len = static_cast<std::uint8_t>(endpoint.address.bits());
  request.put(RTA_DST, endpoint.address);
  if (endpoint.scope != 0) request.put(RTA_OIF, endpoint.scope);

  std::optional<std::uint32_t> mtu;
  std::uint32_t interface = 0;
  TRY(send_one(request.message(), what, [&](const nlmsghdr* message) {
    const auto route = netlink::body_of<rtmsg>(message);
    const netlink::Attributes attributes(message, sizeof route);
    if (route.rtm_type == RTN_UNICAST || route.rtm_type == RTN_LOCAL) interface = attributes.u32(RTA_OIF).value_or(0);
    mtu = attributes.nested(RTA_METRICS).u32(RTAX_MTU);
  }));
  if (interface == 0) return fail(what, ENETUNREACH);  // IPv6 answers with a route of type "unreachable"
  if (mtu) return *mtu;
  const auto link = TRY(link_at(interface));
  if (!link) return fail(what, ENETUNREACH);
  return link->mtu;
}

}  // namespace wg4
