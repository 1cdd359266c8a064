#include "wg4netns/commands/check.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/hex_base64.h"
#include "shared/config/make_link_plan.h"
#include "shared/config/wg_config.h"
#include "shared/link/link_plan.h"
#include "shared/net/endpoint.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/core/control.h"
#include "wg4netns/crypto/curve25519.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/profile/mtu.h"

namespace wg4 {
namespace {

template <class Items>
std::string list(const Items& items) {
  std::string text;
  for (const auto& item : items) text.append(text.empty() ? "" : ", ").append(item.to_string());
  return text.empty() ? "(none)" : text;
}

std::vector<Endpoint> numeric_endpoints(const DeviceChange& change) {
  std::vector<Endpoint> endpoints;
  for (const PeerChange& peer : change.peers)
    if (peer.endpoint) endpoints.push_back(*peer.endpoint);
  return endpoints;
}

void print_interface(const WgConfig& config) {
  const std::uint16_t mtu = choose_mtu(std::nullopt, config, numeric_endpoints(make_device_change(config)));
  const LinkPlan plan = make_link_plan(config, mtu);
  const bool has_key = !config.private_key.is_zero();
  fmt::print("interface\n");
  fmt::print("  public key:   {}\n", has_key ? encode_base64(crypto::derive_public_key(config.private_key)) : "(none)");
  fmt::print("  listen port:  {}\n", config.listen_port == 0 ? "random" : std::to_string(config.listen_port));
  fmt::print("  addresses:    {}\n", list(plan.addresses));
  fmt::print("  mtu:          {}\n", mtu);
  fmt::print("  routes:       {}\n", list(plan.routes));
  fmt::print("  dns:          {}\n", list(config.dns_servers));
  if (!config.dns_search.empty()) fmt::print("  dns search:   {}\n", fmt::join(config.dns_search, ", "));
}

void print_peer(const PeerConfig& peer) {
  fmt::print("peer {}\n", encode_base64(peer.public_key));
  if (!peer.friendly_name.empty()) fmt::print("  name:         {}\n", peer.friendly_name);
  fmt::print("  endpoint:     {}\n", peer.endpoint ? to_string(*peer.endpoint) : "(waits to be called)");
  fmt::print("  allowed ips:  {}\n", list(peer.allowed_ips));
  if (!peer.preshared_key.is_zero()) fmt::print("  preshared key: (hidden)\n");
  if (peer.persistent_keepalive_s > 0) fmt::print("  keepalive:    every {} s\n", peer.persistent_keepalive_s);
}

}  // namespace

Parsed<CheckCommand> parse_check(const Arguments& arguments) {
  CheckCommand command;
  Parser parser("Reads a wg-quick file and says what it would do.", arguments);
  parser.argument("FILE", command.file, "The configuration").required().is_file();
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> check(const CheckCommand& command) {
  const WgConfig config = TRY(load_config(command.file));
  print_interface(config);
  for (const PeerConfig& peer : config.peers) print_peer(peer);
  return {};
}

}  // namespace wg4
