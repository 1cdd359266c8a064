#pragma once
// The network that engines assume around the namespace. Those made for slirp4netns compute its addresses from a CIDR
// and never ask: guest N+100, gateway N+2, DNS N+3 and fd00::3; in the place of pasta we are told them. In a routed
// tunnel
//
//   the guest (N+100)     is one more address of the interface: a publisher of ports dials it inside of the namespace
//   the gateway (N+2)     is named by default routes, the engine's own or ours; no machine has it
//   the DNS server (N+3)  is routed into the tunnel, and the gateway (gateway/) replaces it by the configuration's
//
// All of this belongs to the interface itself, and so goes with it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "shared/link/link_plan.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "wg4netns/gateway/gateway.h"
#include "wg4netns/io/udp_socket.h"

namespace wg4 {

struct EngineOptions {
  std::optional<Prefix> guest;      ///< IPv4, with the length that the namespace shows
  std::optional<Prefix> guest_v6;   ///< one more IPv6 address
  std::vector<IpAddress> gateways;  ///< next hops of the default routes, at most one of each family
  std::optional<IpAddress> dns_v4;  ///< where the namespace asks for names
  std::optional<IpAddress> dns_v6;
  bool dns = true;             ///< answer there if the configuration has servers
  std::optional<Family> only;  ///< of the tunnel's addresses and routes; nothing = both
  /// The engine may have made a TAP, and be setting it up at this very moment.
  bool configures_at_once = false;
  /// The program that made the interface, or will set it up, adds an IPv4 default route, as RootlessKit does. That
  /// would fail if ours were there already, and the engine with it.
  bool adds_default_route = false;
};

/// 10.0.2.0/24, what slirp4netns takes when nothing is said.
[[nodiscard]] Prefix default_engine_network();
/// --cidr: an IPv4 network without host bits, its prefix 1 to 25.
[[nodiscard]] Result<Prefix> parse_engine_network(std::string_view text);
/// What slirp4netns' engines make of `network`.
[[nodiscard]] EngineOptions slirp_network(const Prefix& network);

/// --outbound-addr[6]: an address of `family`, or the name of an interface. Empty text binds nowhere.
[[nodiscard]] Result<UdpBinding> parse_outbound(const std::string& text, Family family);

/// The interface's MTU: the one that the engine asks for only if it is smaller than the tunnel's own.
[[nodiscard]] std::uint16_t engine_mtu(std::optional<std::uint16_t> given, std::uint16_t own);

/// Adds to a plan what the engine assumes: the guest's addresses; routes for the DNS addresses; a default route
/// by the gateway; halves of a default route where the engine adds one of its own, and beside one by a gateway, since
/// masquerading takes the guest's address for such a route; the tunnel's addresses as the source of all of them; and
/// the tunnel's MTU on each route, since RootlessKit sets that of the interface to 65520.
void add_engine_network(LinkPlan& plan, const EngineOptions& options);

/// The options of the gateway in the packet path. Logs a warning if the tunnel leads to none of the DNS servers.
[[nodiscard]] GatewayOptions gateway_options(const WgConfig& config, const EngineOptions& options, std::uint16_t mtu);

/// The address for published ports that name none in the namespace: the tunnel's own, IPv4 if there is one, since
/// servers for IPv6 serve IPv4 as well, but not the other way round; the loopback if the tunnel has no address.
[[nodiscard]] IpAddress own_address(const LinkPlan& plan);

}  // namespace wg4
