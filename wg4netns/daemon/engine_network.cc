#include "wg4netns/daemon/engine_network.h"

#include <net/if.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/config/wg_config.h"
#include "shared/net/ip_address.h"
#include "shared/net/loopback.h"
#include "shared/sys/log.h"
#include "wg4netns/profile/mtu.h"

namespace wg4 {
namespace {

constexpr std::uint32_t guest_number = 100;
constexpr std::uint32_t dns_number = 3;
constexpr std::uint8_t max_prefix_length = 25;  // N+100 must be in the network

IpAddress nth_address(const Prefix& network, std::uint32_t number) {
  std::array<std::uint8_t, 4> bytes;
  store_be(bytes.data(), load_be<std::uint32_t>(network.address.bytes().data()) + number);
  return IpAddress::v4(bytes);
}

/// fd00::3
IpAddress slirp_dns_v6() {
  return IpAddress::v6(std::array<std::uint8_t, 16>{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3});
}

Prefix alone(const IpAddress& address) { return {address, static_cast<std::uint8_t>(address.bits())}; }

std::optional<IpAddress> first_address(const std::vector<Prefix>& addresses, Family family) {
  const auto found = std::ranges::find(addresses, family, [](const Prefix& prefix) { return prefix.address.family(); });
  return found == addresses.end() ? std::nullopt : std::optional(found->address);
}

/// The two halves of a default route: 0.0.0.0/1 and 128.0.0.0/1.
std::vector<Prefix> halves(const Prefix& everything) {
  std::array<std::uint8_t, 16> upper{0x80};
  const IpAddress middle =
      everything.address.is_v4() ? IpAddress::v4(std::span(upper).first<4>()) : IpAddress::v6(upper);
  return {{everything.address, 1}, {middle, 1}};
}

void keep_family(std::vector<Prefix>& prefixes, Family family) {
  std::erase_if(prefixes, [family](const Prefix& prefix) { return prefix.address.family() != family; });
}

bool has_family(const std::vector<IpAddress>& addresses, Family family) {
  return std::ranges::find(addresses, family, &IpAddress::family) != addresses.end();
}

/// The gateways that default routes are to name: those of families that the tunnel has an address of.
std::vector<IpAddress> gateways_of(const LinkPlan& plan, const EngineOptions& options) {
  std::vector<IpAddress> gateways;
  if (plan.table != 0) return gateways;  // the engine means the main table
  for (const IpAddress& gateway : options.gateways) {
    const bool taken = gateway.is_v4() && options.adds_default_route;
    if (!taken && has_family(plan.route_sources, gateway.family())) gateways.push_back(gateway);
  }
  return gateways;
}

/// A route of the configuration, in the pieces that fit beside the routes that the engine has or will have.
std::vector<Prefix> pieces_of(const Prefix& route, const LinkPlan& plan, const EngineOptions& options) {
  const bool by_gateway = has_family(plan.gateways, route.address.family());
  if (route.length != 0 || !(by_gateway || options.adds_default_route)) return {route};
  std::vector<Prefix> pieces = halves(route);
  if (!by_gateway && !route.address.is_v4()) pieces.push_back(route);  // since no engine adds it
  return pieces;
}

}  // namespace

Prefix default_engine_network() { return {IpAddress::v4(std::array<std::uint8_t, 4>{10, 0, 2, 0}), 24}; }

Result<Prefix> parse_engine_network(std::string_view text) {
  const std::string name = "--cidr " + std::string(text);
  const auto network = Prefix::parse(text);
  if (!network || !network->address.is_v4() || text.find('/') == std::string_view::npos)
    return fail(name + " is not an IPv4 network", 0, "Write it like 10.0.2.0/24");
  if (network->length < 1 || network->length > max_prefix_length)
    return fail(name + " has a prefix length that does not work", 0, "It must be between 1 and 25");
  if (network->masked() != *network)
    return fail(name + " has bits behind the prefix", 0, "The network is " + network->masked().to_string());
  return *network;
}

EngineOptions slirp_network(const Prefix& network) {
  return {.guest = alone(nth_address(network, guest_number)),
          .guest_v6 = {},
          .gateways = {},
          .dns_v4 = nth_address(network, dns_number),
          .dns_v6 = slirp_dns_v6(),
          .dns = true,
          .only = {},
          .configures_at_once = false,
          .adds_default_route = false};
}

Result<UdpBinding> parse_outbound(const std::string& text, Family family) {
  const std::string option = family == Family::v4 ? "--outbound-addr " : "--outbound-addr6 ";
  if (text.empty()) return UdpBinding{};
  const auto address = IpAddress::parse(text);
  if (address && address->family() == family) return UdpBinding{.address = address, .device = {}};
  if (address || text.find(':') != std::string::npos || text.size() >= IFNAMSIZ)
    return fail(option + text + " is of the wrong kind", 0,
                family == Family::v4 ? "It takes an IPv4 address or an interface; for IPv6 there is --outbound-addr6"
                                     : "It takes an IPv6 address or an interface; for IPv4 there is --outbound-addr");
  return UdpBinding{.address = {}, .device = text};
}

std::uint16_t engine_mtu(std::optional<std::uint16_t> given, std::uint16_t own) {
  return given ? std::min(*given, own) : own;
}

void add_engine_network(LinkPlan& plan, const EngineOptions& options) {
  if (options.only) {
    keep_family(plan.addresses, *options.only);
    keep_family(plan.routes, *options.only);
  }
  const auto v4 = first_address(plan.addresses, Family::v4);
  const auto v6 = first_address(plan.addresses, Family::v6);
  if (v4) plan.route_sources.push_back(*v4);
  if (v6) plan.route_sources.push_back(*v6);
  plan.route_mtu = plan.mtu;
  // After the tunnel's own addresses: masquerading (a bridge network's) takes the interface's first one.
  for (const auto& guest : {options.guest, options.guest_v6})
    if (guest && options.only.value_or(guest->address.family()) == guest->address.family())
      plan.addresses.push_back(*guest);

  plan.gateways = gateways_of(plan, options);
  std::vector<Prefix> routes;
  if (v4 && options.dns_v4) routes.push_back(alone(*options.dns_v4));
  if (v6 && options.dns_v6) routes.push_back(alone(*options.dns_v6));
  for (const Prefix& route : plan.routes) {
    const auto pieces = pieces_of(route, plan, options);
    routes.insert(routes.end(), pieces.begin(), pieces.end());
  }
  for (const IpAddress& gateway : plan.gateways) routes.push_back(Prefix{gateway, 0}.masked());
  plan.routes = std::move(routes);
}

GatewayOptions gateway_options(const WgConfig& config, const EngineOptions& options, std::uint16_t mtu) {
  GatewayOptions gateway{.mtu = mtu,
                         .guest = options.guest ? options.guest->address : IpAddress{},
                         .tunnel_v4 = first_address(config.addresses, Family::v4),
                         .dns_v4 = options.dns_v4.value_or(IpAddress{}),
                         .dns_v6 = options.dns_v6.value_or(IpAddress::v6(std::array<std::uint8_t, 16>{})),
                         .servers = {}};
  const bool answer = options.dns && (options.dns_v4 || options.dns_v6);
  for (const IpAddress& server : config.dns_servers) {
    if (!answer) break;
    if (config.leads_to(server)) gateway.servers.push_back(server);  // judge() warns of the others
  }
  if (answer && gateway.servers.empty())
    log::warning("no DNS server that the tunnel leads to: name look-ups in the namespace will be refused");
  return gateway;
}

IpAddress own_address(const LinkPlan& plan) {
  const auto v4 = first_address(plan.addresses, Family::v4);
  const auto any = v4 ? v4 : first_address(plan.addresses, Family::v6);
  return any.value_or(loopback(Family::v4));
}

}  // namespace wg4
