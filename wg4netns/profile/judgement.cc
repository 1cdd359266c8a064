#include "wg4netns/profile/judgement.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/keys.h"
#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/mtu.h"
#include "shared/net/prefix.h"
#include "shared/sys/sockaddr.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/crypto/curve25519.h"

namespace wg4 {
namespace {

std::string at(unsigned line) { return "line " + std::to_string(line) + ": "; }

// ---------------------------------------------------------------- what this host permits

bool may_mark() {
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return true;  // the tunnel's own socket will report it
  const int mark = 1;
  return setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0 || errno != EPERM;
}

/// Tried with a TCP socket, for which the same limit holds, so that the UDP port stays free for other programs.
bool may_listen_on(std::uint16_t port) {
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return true;
  const int yes = 1;
  static_cast<void>(setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)));
  SocketAddress address({IpAddress(), port, 0});
  return bind(fd.get(), address.get(), address.length) == 0 || errno != EACCES;
}

Result<void> check_permissions(WgConfig& config, const Permissions& may) {
  if (!may.listen_port)
    return fail(at(config.lines.listen_port) + "ListenPort " + std::to_string(config.listen_port) +
                    " is below net.ipv4.ip_unprivileged_port_start, and not for ordinary users",
                0, "Choose a higher one, or leave it out");
  if (config.fwmark == 0 || may.mark) return {};
  config.fwmark = 0;
  config.warnings.push_back(at(config.lines.fwmark) +
                            "FwMark is left out, since marks are reserved for CAP_NET_ADMIN. It is not needed: the "
                            "tunnel's routes are in another network namespace than its UDP socket");
  return {};
}

// ---------------------------------------------------------------- what would fail at the start

bool is_of(Family family, const Prefix& prefix) { return prefix.address.family() == family; }

struct Families {
  bool v4 = false;
  bool v6 = false;
  void add(const std::vector<Prefix>& prefixes) {
    v4 |= std::ranges::any_of(prefixes, [](const Prefix& prefix) { return is_of(Family::v4, prefix); });
    v6 |= std::ranges::any_of(prefixes, [](const Prefix& prefix) { return is_of(Family::v6, prefix); });
  }
  [[nodiscard]] bool any() const { return v4 || v6; }
};

Families families_of_addresses(const WgConfig& config) {
  Families families;
  families.add(config.addresses);
  return families;
}

Families families_of_allowed_ips(const WgConfig& config) {
  Families families;
  for (const PeerConfig& peer : config.peers) families.add(peer.allowed_ips);
  return families;
}

/// With an MTU below 1280 the kernel has no IPv6 on the interface; without IPv4 addresses none would be left.
Result<void> check_mtu(const WgConfig& config) {
  if (!config.mtu || *config.mtu >= min_ipv6_mtu) return {};
  Families set = families_of_addresses(config);
  if (config.table != RouteTable::off)
    for (const PeerConfig& peer : config.peers) set.add(peer.allowed_ips);
  if (set.v4 || !set.v6) return {};
  return fail(
      at(config.lines.mtu) + "MTU " + std::to_string(*config.mtu) + " is below 1280, the least that IPv6 works with", 0,
      "All of this configuration is IPv6: raise the MTU, or remove the line");
}

Result<void> check_peer_count(const WgConfig& config) {
  if (config.peers.size() <= max_peers) return {};
  return fail(at(config.peers[max_peers].line) + "this is one peer more than " + std::to_string(max_peers), 0,
              "No WireGuard interface has more");
}

// ---------------------------------------------------------------- what would have no effect

void judge_keys(WgConfig& config) {
  const bool has_key = !config.private_key.is_zero();
  if (!has_key) config.warnings.emplace_back("no PrivateKey: no peer can be talked to");
  const PublicKey own = has_key ? crypto::derive_public_key(config.private_key) : PublicKey{};
  for (const PeerConfig& peer : config.peers) {
    const std::string here = at(peer.line) + "this peer's PublicKey is ";
    if (peer.public_key == PublicKey{})
      config.warnings.push_back(here + "nobody's: it is all zero, and no handshake works with it");
    else if (has_key && peer.public_key == own)
      config.warnings.push_back(here +
                                "our own, and the peer is left out: the one that the peer calls its own goes here");
    else if (has_key && std::ranges::equal(peer.public_key, config.private_key.span()))
      config.warnings.push_back(here + "our PrivateKey: the peer's goes here, and nobody else may know ours");
  }
}

void judge_peers(WgConfig& config) {
  if (config.peers.empty()) config.warnings.emplace_back("no [Peer]: there is nobody to talk to");
  for (const PeerConfig& peer : config.peers) {
    if (peer.allowed_ips.empty())
      config.warnings.push_back(at(peer.line) +
                                "this peer has no AllowedIPs: no packet goes to it, and none is taken " + "from it");
    if (!peer.endpoint && config.listen_port == 0)
      config.warnings.push_back(at(peer.line) + "this peer has no Endpoint, and there is no ListenPort that it could " +
                                "call: neither side can begin");
  }
}

void judge_addresses(WgConfig& config) {
  const Families own = families_of_addresses(config);
  const Families allowed = families_of_allowed_ips(config);
  if (!own.any())
    config.warnings.emplace_back("no Address: nothing can pass, unless somebody else gives the interface one");
  else if (allowed.any() && !(own.v4 && allowed.v4) && !(own.v6 && allowed.v6))
    config.warnings.emplace_back(own.v4 ? "Address is IPv4 and all AllowedIPs are IPv6: nothing can pass"
                                        : "Address is IPv6 and all AllowedIPs are IPv4: nothing can pass");
}

void judge_dns(WgConfig& config) {
  if (!families_of_allowed_ips(config).any()) return;
  for (const IpAddress& server : config.dns_servers)
    if (!config.leads_to(server))
      config.warnings.push_back("DNS server " + server.to_string() +
                                " cannot be asked through the tunnel: no peer's AllowedIPs lead to it");
}

void judge_table(WgConfig& config) {
  if (config.table == RouteTable::automatic || !families_of_allowed_ips(config).any()) return;
  const std::string number = std::to_string(config.table_number);
  config.warnings.push_back(
      at(config.lines.table) +
      (config.table == RouteTable::off
           ? "Table = off: no route is made, and only the networks of Address are reached. Add routes in the "
             "namespace, "
             "or remove the line"
           : "Table = " + number +
                 ": the routes are in that table, and no rule leads there. Add one in the namespace "
                 "(ip rule add table " +
                 number + "), or remove the line"));
}

void judge_hooks(WgConfig& config) {
  if (!config.hooks.empty())
    config.warnings.emplace_back(
        config.table == RouteTable::automatic
            ? "PreUp, PostUp, PreDown and PostDown do not run: in a namespace of its own the tunnel needs no firewall "
              "or "
              "routing commands on the host"
            : "PreUp, PostUp, PreDown and PostDown do not run: the rules and routes that they would make are missing");
  if (config.save_config)
    config.warnings.push_back(at(config.lines.save_config) + "SaveConfig: the file is never written");
}

}  // namespace

Permissions ask_kernel(const WgConfig& config) {
  return {.mark = config.fwmark == 0 || may_mark(),
          .listen_port = config.listen_port == 0 || may_listen_on(config.listen_port)};
}

Result<void> judge(WgConfig& config, const Permissions& may) {
  TRY(check_permissions(config, may));
  TRY(check_mtu(config));
  TRY(check_peer_count(config));
  judge_keys(config);
  judge_peers(config);
  judge_addresses(config);
  judge_dns(config);
  judge_table(config);
  judge_hooks(config);
  return {};
}

}  // namespace wg4
