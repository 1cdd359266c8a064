#include "wg4netns/daemon/command_names.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "shared/net/prefix.h"
#include "shared/sys/log.h"
#include "shared/wire/message_socket.h"

namespace wg4 {
namespace {

bool has_family(const WgConfig& config, Family family) {
  return std::ranges::any_of(config.addresses,
                             [family](const Prefix& address) { return address.address.family() == family; });
}

/// Any: of all the Internet one that is for documentation, so that nobody is bothered.
IpAddress address_in(const Prefix& prefix) {
  const auto example = IpAddress::parse(prefix.address.is_v4() ? "192.0.2.1" : "2001:db8::1");
  if (example && prefix.contains(*example)) return *example;
  if (prefix.length == prefix.address.bits()) return prefix.address;
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(prefix.address.bytes(), bytes.begin());
  if (prefix.address.is_v4()) {
    bytes[3] |= 1U;
    return IpAddress::v4(std::span(bytes).first<4>());
  }
  bytes[15] |= 1U;
  return IpAddress::v6(bytes);
}

/// A DNS server of the peer's, if there is one; else some address behind it.
std::vector<IpAddress> address_of_each_peer(const WgConfig& config, std::span<const IpAddress> servers) {
  std::vector<IpAddress> addresses;
  for (const PeerConfig& peer : config.peers) {
    if (peer.allowed_ips.empty() || addresses.size() == TunnelNames::max_servers) continue;
    const auto is_behind = [&peer](const IpAddress& address) {
      return std::ranges::any_of(peer.allowed_ips, [&](const Prefix& prefix) { return prefix.contains(address); });
    };
    const auto server = std::ranges::find_if(servers, is_behind);
    addresses.push_back(server != servers.end() ? *server : address_in(peer.allowed_ips.front()));
  }
  return addresses;
}

}  // namespace

Result<TunnelNames> choose_names(const WgConfig& config, std::span<const IpAddress> wanted) {
  TunnelNames names;
  names.search = config.dns_search;
  for (const Prefix& address : config.addresses) names.addresses.push_back(address.to_string());
  const std::span<const IpAddress> servers = wanted.empty() ? config.dns_servers : wanted;
  for (const IpAddress& server : servers) {
    if (!config.leads_to(server))
      return fail(
          "no peer's AllowedIPs lead to the DNS server " + server.to_string(), 0,
          "Add " + server.to_string() + " to the AllowedIPs of the peer that has it, or name another with --dns");
    if (has_family(config, server.family()))
      names.servers.push_back(server);
    else
      log::warning("the DNS server {} is left out: the configuration has no Address of its family", server.to_string());
  }
  if (servers.empty())
    log::warning("names do not resolve: the configuration has no DNS; name a server in the tunnel with --dns");
  names.servers.resize(std::min(names.servers.size(), TunnelNames::max_servers));
  names.peers = address_of_each_peer(config, names.servers);
  return names;
}

Result<void> expect_in_tunnel(std::span<const IpAddress> servers, std::span<const Prefix> outside) {
  for (const Prefix& network : outside)
    for (const IpAddress& server : servers)
      if (network.contains(server))
        return fail(
            "--lan " + network.to_string() + " has the address of the tunnel's DNS server " + server.to_string(), 0,
            "Name smaller networks, without it");
  return {};
}

Result<void> tell_names(const NamesWanted& names, const StartConfig& start) {
  auto chosen = choose_names(start.config, names.servers);
  if (!chosen) return fail_in(start.path, std::move(chosen).error());
  TRY(expect_in_tunnel(chosen->servers, names.outside));
  return wire::send(names.socket, *chosen);
}

}  // namespace wg4
