#include "wg4netns/commands/reload_names.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/sys/own_folder.h"
#include "wg4netns/daemon/command_names.h"
#include "wg4netns/daemon/messages.h"
#include "wg4netns/forward/ways.h"
#include "wg4netns/supervise/tunnel_folder.h"

namespace wg4 {
namespace {

struct FoundKeeper {
  keeper::Client client;
  keeper::State state;
};

std::optional<FoundKeeper> find_keeper(pid_t tunnel) {
  for (const std::string& name : TunnelFolder::names()) {
    const auto folder = TunnelFolder::open(name, IfMissing::fail);
    if (!folder) continue;
    auto client = keeper::Client::connect(*folder);
    if (!client || !*client) continue;
    auto state = (*client)->ask();
    if (state && state->tunnel == static_cast<std::uint32_t>(tunnel))
      return FoundKeeper{**std::move(client), *std::move(state)};
  }
  return std::nullopt;
}

/// The servers of --dns, which take the place of the configuration's.
std::vector<IpAddress> wanted_servers(const keeper::State& state) {
  constexpr std::string_view option = "--dns=";
  std::vector<IpAddress> servers;
  for (const std::string& word : state.options)
    if (word.starts_with(option))
      if (const auto address = IpAddress::parse(std::string_view(word).substr(option.size())))
        servers.push_back(*address);
  return servers;
}

/// The networks of --lan.
std::vector<Prefix> networks_outside(const keeper::State& state) {
  constexpr std::string_view option = "--lan=";
  std::vector<Prefix> networks;
  for (const std::string& word : state.options)
    if (word.starts_with(option))
      if (const auto lan = forward::parse_lan(std::string_view(word).substr(option.size())))
        networks.push_back(lan->network);
  return networks;
}

}  // namespace

Result<std::optional<NamesReload>> NamesReload::prepare(pid_t owner, const WgConfig& config) {
  auto found = find_keeper(owner);
  if (!found) return std::nullopt;
  TunnelNames names = TRY(choose_names(config, wanted_servers(found->state)));
  TRY(expect_in_tunnel(names.servers, networks_outside(found->state)));
  return NamesReload(std::move(found->client), {.servers = std::move(names.servers),
                                                .search = std::move(names.search),
                                                .addresses = std::move(names.addresses),
                                                .peers = std::move(names.peers)});
}

}  // namespace wg4
