#pragma once
// The network that engines made for slirp4netns assume around the namespace. They compute its addresses from a CIDR and
// never ask: guest N+100, gateway N+2, DNS N+3 and fd00::3. In a routed tunnel
//
//   N+100    is one more address of the interface: who publishes ports dials it from inside of the namespace
//   N+2      is a word in the engine's own routes; nobody is there
//   N+3      is routed into the tunnel, and the gateway (gateway/) puts the configuration's DNS server in its place
//
// They lie on the interface itself, so that they go when it goes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/config/link_plan.h"
#include "shared/net/prefix.h"
#include "wg4netns/gateway/gateway.h"
#include "wg4netns/io/udp_socket.h"

namespace wg4 {

struct EngineOptions {
  Prefix network{};  ///< N and its length
  bool dns = true;   ///< answer at N+3 and fd00::3 as far as the configuration has servers
};

/// 10.0.2.0/24, what slirp4netns takes when nothing is said.
[[nodiscard]] Prefix default_engine_network();
/// --cidr: an IPv4 network without host bits, its prefix 1 to 25.
[[nodiscard]] Result<Prefix> parse_engine_network(std::string_view text);
/// N+100.
[[nodiscard]] IpAddress guest_address(const Prefix& network);
/// Does an engine take this name for slirp4netns? `program` is argv[0].
[[nodiscard]] bool is_called_as_slirp4netns(std::string_view program);

/// --outbound-addr[6]: an address of `family`, or the name of an interface. Empty text binds nowhere.
[[nodiscard]] Result<UdpBinding> parse_outbound(const std::string& text, Family family);

/// The interface's MTU: what the engine asks for only where that is smaller than what the tunnel would have anyway.
[[nodiscard]] std::uint16_t engine_mtu(std::optional<std::uint16_t> given, std::uint16_t own);

/// What the engine's assumptions add to a plan: N+100; routes for the DNS addresses; halves instead of default routes,
/// since RootlessKit adds a default route of its own later; the tunnel's addresses as the source of all of them; and
/// the tunnel's MTU on each route, since RootlessKit sets that of the interface to 65520.
void add_engine_network(LinkPlan& plan, const EngineOptions& options);

/// What the gateway in the packet path is to do. Logs a warning for DNS servers that the tunnel does not lead to.
[[nodiscard]] GatewayOptions gateway_options(const WgConfig& config, const EngineOptions& options, std::uint16_t mtu);

}  // namespace wg4
