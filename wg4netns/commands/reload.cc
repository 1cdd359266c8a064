#include "wg4netns/commands/reload.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "shared/base/keys.h"
#include "shared/config/wg_config.h"
#include "shared/net/endpoint.h"
#include "shared/net/prefix.h"
#include "shared/sys/log.h"
#include "shared/sys/sandbox_mode.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/commands/registered.h"
#include "wg4netns/commands/reload_names.h"
#include "wg4netns/daemon/endpoints.h"
#include "wg4netns/daemon/reload_link.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/supervise/registry.h"
#include "wg4netns/uapi/codec.h"
#include "wg4netns/uapi/control_client.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {
namespace {

constexpr std::chrono::seconds dns_patience{15};

Result<RunningTunnel> choose_tunnel(const std::optional<std::string>& name) {
  if (name) return find_tunnel(*name);
  auto tunnels = find_tunnels();
  if (tunnels.size() == 1) return std::move(tunnels.front());
  if (!tunnels.empty()) return fail("more than one tunnel runs", 0, "Name one: wireguard4netns show interfaces");
  const auto folder = uapi::expect_a_folder();
  return fail("no tunnel with a control socket runs", 0, folder ? "" : folder.error().message());
}

/// The tunnel is not asked: an attacker who has taken it over could name another file of this user's, to get its keys.
Result<std::string> choose_config(const ReloadCommand& command, const RunningTunnel& tunnel) {
  if (command.config || command.profile) return locate_config(command.config, command.profile);
  const auto registered = registered_config(TRY(owner_of(tunnel)), registry::find_running());
  if (registered && !registered->empty()) return *registered;
  return fail((registered ? tunnel.name + " was started without a configuration file"
                          : "it is not written down which file " + tunnel.name + " was started with"),
              0, "Name one: wireguard4netns reload --config FILE " + tunnel.name);
}

bool is_same(const std::vector<AllowedIpChange>& wanted, const std::vector<Prefix>& running) {
  std::vector<Prefix> left;
  left.reserve(wanted.size());
  for (const AllowedIpChange& each : wanted) left.push_back(each.prefix);
  std::vector<Prefix> right = running;
  std::ranges::sort(left);
  std::ranges::sort(right);
  return left == right;
}

/// Removes from `wanted` all that `running` has already. True if something is left.
bool reduce(PeerChange& wanted, const PeerStatus& running) {
  if (wanted.preshared_key && wanted.preshared_key->equals(running.preshared_key)) wanted.preshared_key.reset();
  if (wanted.endpoint == running.endpoint) wanted.endpoint.reset();
  if (wanted.persistent_keepalive_s == running.persistent_keepalive_s) wanted.persistent_keepalive_s.reset();
  if (is_same(wanted.allowed_ips, running.allowed_ips)) {
    wanted.replace_allowed_ips = false;
    wanted.allowed_ips.clear();
  }
  return wanted.preshared_key || wanted.endpoint || wanted.persistent_keepalive_s || wanted.replace_allowed_ips;
}

void follow_names(const RunningTunnel& tunnel, const WgConfig& config) {
  std::vector<uapi::NamedEndpoint> names;
  for (const PeerConfig& peer : config.peers)
    if (const HostPort* name = peer.host_name()) names.push_back({peer.public_key, name->host, name->port});
  const auto followed = send_names(tunnel, names);
  if (!followed && !names.empty())
    log::warning("{}: endpoints stay at the addresses that their names have now, until it is started again: {}",
                 tunnel.name, followed.error().message());
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

/// Logs what was taken over and what was not: the file may have been changed for just the latter.
void report(const RunningTunnel& tunnel, const std::string& path, const DeviceChange& change, const LinkReload& link) {
  std::vector<std::string> taken;
  if (change.private_key) taken.emplace_back("PrivateKey");
  if (change.listen_port) taken.emplace_back("ListenPort");
  if (change.fwmark) taken.emplace_back("FwMark");
  if (!change.peers.empty()) taken.emplace_back("peers");
  taken.insert(taken.end(), link.changes.begin(), link.changes.end());
  if (!taken.empty()) log::info("{}: taken over from {}: {}", tunnel.name, path, join(taken));
  if (!link.left.empty())
    log::warning("{}: not taken over from {}: {}. Start the tunnel again for that{}{}", tunnel.name, path,
                 join(link.left), link.why.empty() ? "" : ": ", link.why);
  if (taken.empty() && link.left.empty()) log::info("{}: nothing has changed in {}", tunnel.name, path);
}

}  // namespace

DeviceChange difference(DeviceChange wanted, const uapi::StatusReader& running) {
  DeviceChange change;
  const uapi::InterfaceStatus& interface = running.interface;
  if (wanted.private_key && !wanted.private_key->equals(interface.private_key))
    change.private_key = std::move(wanted.private_key);
  if (wanted.listen_port.value_or(0) != 0 && *wanted.listen_port != interface.listen_port)
    change.listen_port = wanted.listen_port;
  if (wanted.fwmark && *wanted.fwmark != interface.fwmark) change.fwmark = wanted.fwmark;

  std::map<PublicKey, const PeerStatus*> left;
  for (const PeerStatus& peer : running.peers) left.emplace(peer.public_key, &peer);
  std::vector<PeerChange> stay;
  for (PeerChange& peer : wanted.peers) {
    const auto known = left.find(peer.public_key);
    if (known == left.end() || reduce(peer, *known->second)) stay.push_back(std::move(peer));
    if (known != left.end()) left.erase(known);
  }
  // Peers that go come first, so that their allowed IPs are free for others.
  for (const auto& [key, peer] : left) {
    PeerChange& gone = change.peers.emplace_back();
    gone.public_key = key;
    gone.remove = true;
  }
  std::ranges::move(stay, std::back_inserter(change.peers));
  return change;
}

Parsed<ReloadCommand> parse_reload(const Arguments& arguments) {
  ReloadCommand command;
  Parser parser("Has a tunnel take over the changes of its configuration. Unchanged peers keep their sessions.",
                arguments);
  parser.argument("NAME", command.tunnel, "The tunnel; default the only one").is_tunnel();
  parser.option("--config", "FILE", command.config, "wg-quick file; default the one that it was started with");
  parser.option("--profile", "NAME", command.profile, "The file profiles/NAME.conf").excludes("--config");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> reload(const ReloadCommand& command) {
  const RunningTunnel tunnel = TRY(choose_tunnel(command.tunnel));
  const std::string path = TRY(choose_config(command, tunnel));
  const OwnStatus own = ask_own_status(tunnel);
  const WgConfig config = TRY(load_config(path));
  const auto owner = owner_of(tunnel);
  auto names = owner ? NamesReload::prepare(*owner, config) : std::optional<NamesReload>();
  if (!names) return fail_in(path, std::move(names).error());
  DeviceChange wanted = make_device_change(config);
  const auto retries = TRY(Endpoints::parse_retries(std::getenv("WG_ENDPOINT_RESOLUTION_RETRIES")));
  Endpoints endpoints = TRY(Endpoints::create(config, {.most = retries}, SandboxMode::automatic));
  TRY(endpoints.resolve_first(dns_patience));
  endpoints.fill_in(wanted);
  std::vector<Endpoint> known;
  for (const PeerChange& peer : wanted.peers)
    if (peer.endpoint) known.push_back(*peer.endpoint);
  const auto status = TRY(ask_status(tunnel));
  // The interface comes first: if the namespace refuses its change, the peers stay as they were.
  RunningLink running = read_link(own, status);
  if (*names) running.dns = dns_text(config);  // its keeper knows better
  auto link = TRY(reload_link(tunnel, running, config, known));
  if (*names && TRY((*names)->apply())) link.changes.emplace_back("DNS");
  const DeviceChange change = difference(std::move(wanted), status);
  if (!uapi::is_empty(change)) TRY(send_change(tunnel, change));
  // After the change, since a peer that is given an address by it loses its name.
  follow_names(tunnel, config);
  report(tunnel, path, change, link);
  return {};
}

}  // namespace wg4
