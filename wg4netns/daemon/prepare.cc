#include "wg4netns/daemon/prepare.h"

#include <chrono>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/sys/log.h"
#include "shared/sys/log_reader.h"
#include "shared/sys/unique_file.h"
#include "wg4netns/core/control.h"
#include "wg4netns/daemon/control.h"
#include "wg4netns/daemon/janitor.h"
#include "wg4netns/daemon/registration.h"
#include "wg4netns/daemon/reloader.h"
#include "wg4netns/io/udp_socket.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/profile/mtu.h"

namespace wg4 {
namespace {

/// How long the start waits for DNS; engines wait for the start.
constexpr std::chrono::seconds dns_patience{5};

/// Starts the reloader before the file is read, so that it never has a key.
Result<StartConfig> read_configuration(const TunnelOptions& options, const Purpose& purpose,
                                       BackgroundProcesses& processes) {
  if (options.configured_by_wg)
    return StartConfig{.path = {}, .written = {}, .config = {}, .uses_dns = purpose.uses_dns};
  const std::string path = TRY(locate_config(options.config, options.profile));
  StartConfig start{.path = TRY(absolute_path(path)), .written = {}, .config = {}, .uses_dns = purpose.uses_dns};
  // An engine makes a container anew; a service is reloaded.
  if (!purpose.engine && options.control != "off")
    processes.reloader = TRY(Reloader::create(start.path, options.sandbox.mode));
  start.config = TRY(load_config(path, options.config_named_by));
  start.written = config_written(start.path);
  if (!start.config.dns_servers.empty() && !purpose.uses_dns)
    log::warning("{}: DNS is left alone: name resolution in the namespace follows its own /etc/resolv.conf", path);
  return start;
}

Result<KeyLock> lock_key(const StartConfig& start, const TunnelOptions& options, const Purpose& purpose) {
  auto lock = KeyLock::take(start.config.private_key, purpose.where, options.allow_shared_key);
  return lock ? std::move(lock) : fail_in(start.path, std::move(lock).error());
}

Result<UdpPort> open_udp(const WgConfig& config, const TunnelOptions& options) {
  UdpBinding v4 = TRY(parse_outbound(options.outbound_v4, Family::v4));
  UdpBinding v6 = TRY(parse_outbound(options.outbound_v6, Family::v6));
  return UdpPort::open({.port = config.listen_port,
                        .fwmark = config.fwmark,
                        .segment = options.offloads.udp_segment,
                        .gro = options.offloads.udp_gro,
                        .v4 = std::move(v4),
                        .v6 = std::move(v6)});
}

/// When this returns, endpoints that are names have been looked up, or still are being looked up.
Result<Endpoints> find_endpoints(const StartConfig& start, const TunnelOptions& options,
                                 std::optional<Reloader>& reloader) {
  const bool waits = options.waits_for_names;
  const auto most = TRY(Endpoints::parse_retries(std::getenv("WG_ENDPOINT_RESOLUTION_RETRIES"),
                                                 waits ? std::nullopt : std::optional(usual_name_retries)));
  Endpoints endpoints =
      TRY(Endpoints::create(start.config, {.most = most, .also_unknown = waits}, options.sandbox.mode));
  if (reloader) endpoints.have(reloader->take_resolver());
  if (auto resolved = endpoints.resolve_first(dns_patience); !resolved)
    return fail_in(start.path, std::move(resolved).error());
  return endpoints;
}

std::uint16_t find_mtu(const WgConfig& config, const Endpoints& endpoints, std::optional<std::uint16_t> wanted,
                       bool is_engine) {
  std::vector<Endpoint> known = endpoints.resolved();
  for (const PeerChange& peer : make_device_change(config).peers)
    if (peer.endpoint) known.push_back(*peer.endpoint);
  return is_engine ? engine_mtu(wanted, choose_mtu({}, config, known)) : choose_mtu(wanted, config, known);
}

Result<crypto::Choice> choose_cipher(const std::string& wanted) {
  crypto::Choice cipher = TRY(crypto::choose_backend(wanted));
  for (const std::string_view name : cipher.failed)
    log::warning("cipher backend {} fails its self-test on this machine; please report this", name);
  return cipher;
}

}  // namespace

Result<PreparedTunnel> prepare(const TunnelOptions& options, const Purpose& purpose) {
  const auto& engine = purpose.engine;
  log::look_for_reader();
  BackgroundProcesses processes{
      .janitor = TRY(Janitor::create(options.sandbox.enabled())), .reloader = {}, .ports = {}, .ways = {}};
  Caller caller = TRY(Caller::adopt(options, engine.has_value()));
  caller.namespace_owner = purpose.namespace_owner;
  StartConfig start = TRY(read_configuration(options, purpose, processes));
  KeyLock key_lock = TRY(lock_key(start, options, purpose));
  UdpPort udp = TRY(open_udp(start.config, options));
  auto control = TRY(open_control_socket(options.control, purpose.usual_control));
  UniqueFile registered = control ? register_tunnel(*control, start.path, purpose.where) : UniqueFile();
  Endpoints endpoints = TRY(find_endpoints(start, options, processes.reloader));
  const std::uint16_t mtu = find_mtu(start.config, endpoints, options.mtu, engine.has_value());
  crypto::Choice cipher = TRY(choose_cipher(options.cipher));
  Observers observers = TRY(Observers::open(options.observe, start.config));
  PeerWatch peer_watch(start.written, udp.number());
  auto gateway = engine ? std::make_unique<SharedGateway>(gateway_options(start.config, *engine, mtu)) : nullptr;
  return PreparedTunnel{
      .key_lock = std::move(key_lock),
      .processes = std::move(processes),
      .caller = std::move(caller),
      .start = std::move(start),
      .outer = {.udp = std::move(udp), .endpoints = std::move(endpoints), .peer_watch = std::move(peer_watch)},
      .looking_in = {.control = std::move(control),
                     .registered = std::move(registered),
                     .observers = std::move(observers)},
      .mtu = mtu,
      .cipher = std::move(cipher),
      .gateway = std::move(gateway)};
}

}  // namespace wg4
