#include "wg4netns/daemon/attach.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/base/version.h"
#include "shared/config/make_link_plan.h"
#include "shared/config/wg_config.h"
#include "shared/handoff/handoff.h"
#include "shared/link/link_plan.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/sys/log.h"
#include "shared/sys/log_reader.h"
#include "shared/sys/namespaces.h"
#include "shared/sys/netns_watch.h"
#include "shared/sys/process.h"
#include "shared/sys/sandbox_mode.h"
#include "shared/sys/secret_memory.h"
#include "shared/sys/service_manager.h"
#include "shared/sys/signals.h"
#include "shared/sys/unique_file.h"
#include "shared/sys/unix_listener.h"
#include "wg4netns/core/control.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/aead_backends.h"
#include "wg4netns/daemon/control.h"
#include "wg4netns/daemon/endpoints.h"
#include "wg4netns/daemon/engine_network.h"
#include "wg4netns/daemon/helper_process.h"
#include "wg4netns/daemon/janitor.h"
#include "wg4netns/daemon/key_lock.h"
#include "wg4netns/daemon/live_captures.h"
#include "wg4netns/daemon/loop_guest.h"
#include "wg4netns/daemon/observe.h"
#include "wg4netns/daemon/registration.h"
#include "wg4netns/daemon/reload_link.h"
#include "wg4netns/daemon/reloader.h"
#include "wg4netns/daemon/resolv_conf.h"
#include "wg4netns/daemon/sandbox.h"
#include "wg4netns/daemon/serve.h"
#include "wg4netns/daemon/target.h"
#include "wg4netns/daemon/target_watch.h"
#include "wg4netns/dataplane/read_order.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/dataplane/shared_gateway.h"
#include "wg4netns/dataplane/tunnel.h"
#include "wg4netns/dataplane/workers.h"
#include "wg4netns/diagnosis/peer_watch.h"
#include "wg4netns/forward/api_server.h"
#include "wg4netns/forward/forward_loop.h"
#include "wg4netns/forward/forwarder.h"
#include "wg4netns/io/clocks.h"
#include "wg4netns/io/system_entropy.h"
#include "wg4netns/io/tun_device.h"
#include "wg4netns/io/tun_queues.h"
#include "wg4netns/io/udp_socket.h"
#include "wg4netns/metrics/tunnel_metrics.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/profile/mtu.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {
namespace {

/// How long the start waits for DNS; engines wait for the start.
constexpr std::chrono::seconds dns_patience{5};

/// Takes over a descriptor that the caller of this program left open for it; `access` is what it is used for.
Result<UniqueFd> adopt_descriptor(std::optional<int> number, const std::string& option, int access) {
  if (!number) return UniqueFd();
  const std::string name = option + " " + std::to_string(*number);
  const int flags = fcntl(*number, F_GETFL);
  if (flags < 0) return fail(name, errno, "The program that starts this one has to leave that descriptor open for it");
  if (access == O_WRONLY && (flags & O_ACCMODE) == O_RDONLY)
    return fail(name + " cannot be written to", 0, "Give the writing end of the pipe");
  if (fcntl(*number, F_SETFD, FD_CLOEXEC) < 0) return fail(name, errno);
  return UniqueFd(*number);
}

/// The parts that do not depend on where the TUN comes from.
struct Parts {
  Janitor janitor;
  KeyLock key_lock;  // before what uses the key, so that it is given back last
  EndConditions end;
  UniqueFd ready_fd;
  ServiceManager manager;
  std::string config_path;
  std::optional<Reloader> reloader;
  WgConfig config;
  UdpOptions udp_options;
  UdpSocket udp;
  std::optional<uapi::ControlSocket> control;
  UniqueFile registered;
  std::string where;
  Endpoints endpoints;
  PeerWatch peer_watch;
  std::uint16_t mtu;
  LinkOwner link_owner;
  bool sets_dns;
  crypto::Choice cipher;
  std::unique_ptr<SharedGateway> gateway;  // for an engine; null otherwise
  Observers observers;
};

/// Queues that one thread reads in turn, so that a flow seldom shares its queue with another.
constexpr unsigned queues_per_thread = 8;
constexpr unsigned most_threads = handoff::max_tun_fds / queues_per_thread;

/// A rule of thumb, not yet measured: the programs at both ends of the tunnel's connections want processors, too, and a
/// client's one connection seldom fills more than a few.
unsigned thread_count(const TunnelOptions& options) {
  const unsigned processors = std::thread::hardware_concurrency();
  const unsigned best = processors < 4 ? 1 : std::min(processors / 2, 4U);
  return std::min(options.threads.value_or(best), most_threads);
}

TunOffloads tun_offloads(const Offloads& offloads) {
  return {.checksum = offloads.checksum, .segment_tcp = offloads.tso, .segment_udp = offloads.uso};
}

using OffloadFacts = std::vector<metrics::Facts::Offload>;

OffloadFacts offload_facts(const TunQueues& tun, const UdpSocket& udp) {
  return {{"vnet-hdr", tun.has_header()},      {"checksum", tun.offloads().checksum},
          {"tso", tun.offloads().segment_tcp}, {"uso", tun.offloads().segment_udp},
          {"udp-segment", udp.segments()},     {"udp-gro", udp.gathers()}};
}

std::string describe(const OffloadFacts& offloads) {
  std::string text;
  for (const auto& [name, active] : offloads)
    if (active) text.append(text.empty() ? "" : " ").append(name);
  return text.empty() ? "none" : text;
}

std::string describe(const SandboxOptions& options, const SandboxGaps& gaps) {
  if (!options.enabled()) return "off";
  std::string text;
  for (const std::string& gap : gaps) text.append(text.empty() ? "without " : ", ").append(gap);
  return text.empty() ? "whole" : text;
}

/// What the parts are prepared for.
struct Purpose {
  std::string where;  ///< in the words of the user
  std::optional<EngineOptions> engine = std::nullopt;
  bool sets_dns = false;        ///< the namespace's processes will ask the configuration's servers
  std::string usual_control{};  ///< name of the control socket where none is wanted by name; empty = none then
};

/// The configuration that the tunnel starts with, and what reads it again.
struct Configured {
  std::string path;
  std::optional<Reloader> reloader;
  WgConfig config;
};

Result<Configured> read_configuration(const TunnelOptions& options, const Purpose& purpose) {
  if (options.configured_by_wg) return Configured{};
  const std::string path = TRY(locate_config(options.config, options.profile));
  Configured configured{.path = TRY(absolute_path(path)), .reloader = {}, .config = {}};
  // An engine makes a container anew; a service is reloaded.
  if (!purpose.engine && options.control != "off")
    configured.reloader = TRY(Reloader::create(configured.path, options.sandbox.mode));
  configured.config = TRY(load_config(path, options.config_named_by));
  if (!configured.config.dns_servers.empty() && !purpose.sets_dns)
    log::warning("{}: DNS is left alone: name resolution in the namespace follows its own /etc/resolv.conf", path);
  return configured;
}

Result<Parts> prepare(const TunnelOptions& options, const Purpose& purpose) {
  const auto& engine = purpose.engine;
  log::look_for_reader();
  Janitor janitor = TRY(Janitor::create(options.sandbox.enabled()));
  std::signal(SIGPIPE, SIG_IGN);  // who reads our log, or waits for us to be ready, may go before us
  EndConditions end{TRY(SignalFd::create({SIGTERM, SIGINT, SIGHUP})),
                    TRY(adopt_descriptor(options.exit_fd, "--exit-fd", O_RDONLY)),
                    {},
                    {},
                    nullptr};
  UniqueFd ready_fd = TRY(adopt_descriptor(options.ready_fd, "--ready-fd", O_WRONLY));
  // The service that an engine runs in is not ready when its network is.
  ServiceManager manager = engine ? ServiceManager() : TRY(ServiceManager::from_environment());
  Configured configured = TRY(read_configuration(options, purpose));
  const WgConfig& config = configured.config;
  auto key_lock = KeyLock::take(config.private_key, purpose.where, options.allow_shared_key);
  if (!key_lock) return fail_in(configured.path, std::move(key_lock).error());
  const UdpBinding v4 = TRY(parse_outbound(options.outbound_v4, Family::v4));
  const UdpBinding v6 = TRY(parse_outbound(options.outbound_v6, Family::v6));
  UdpOptions udp_options{.port = config.listen_port,
                         .fwmark = config.fwmark,
                         .segment = options.offloads.udp_segment,
                         .gro = options.offloads.udp_gro,
                         .v4 = v4,
                         .v6 = v6};
  UdpSocket udp = TRY(UdpSocket::open(udp_options));
  auto control = TRY(open_control_socket(options.control, purpose.usual_control));
  UniqueFile registered = control ? register_tunnel(*control, configured.path, purpose.where) : UniqueFile();
  const auto retries = TRY(Endpoints::parse_retries(std::getenv("WG_ENDPOINT_RESOLUTION_RETRIES")));
  Endpoints endpoints = TRY(Endpoints::create(config, retries, options.sandbox.mode));
  if (configured.reloader) endpoints.have(configured.reloader->take_resolver());
  if (auto resolved = endpoints.resolve_first(dns_patience); !resolved)
    return fail_in(configured.path, std::move(resolved).error());
  std::vector<Endpoint> known = endpoints.resolved();
  for (const PeerChange& peer : make_device_change(config).peers)
    if (peer.endpoint) known.push_back(*peer.endpoint);
  const std::uint16_t mtu =
      engine ? engine_mtu(options.mtu, choose_mtu({}, config, known)) : choose_mtu(options.mtu, config, known);
  crypto::Choice cipher = TRY(crypto::choose_backend(options.cipher));
  for (const std::string_view name : cipher.failed)
    log::warning("cipher backend {} fails its self-test on this machine; please report this", name);
  Observers observers = TRY(Observers::open(options.observe, config));
  auto gateway = engine ? std::make_unique<SharedGateway>(gateway_options(config, *engine, mtu)) : nullptr;
  PeerWatch peer_watch(config_written(configured.path), udp.port());
  return Parts{.janitor = std::move(janitor),
               .key_lock = *std::move(key_lock),
               .end = std::move(end),
               .ready_fd = std::move(ready_fd),
               .manager = std::move(manager),
               .config_path = std::move(configured.path),
               .reloader = std::move(configured.reloader),
               .config = std::move(configured.config),
               .udp_options = std::move(udp_options),
               .udp = std::move(udp),
               .control = std::move(control),
               .registered = std::move(registered),
               .where = purpose.where,
               .endpoints = std::move(endpoints),
               .peer_watch = std::move(peer_watch),
               .mtu = mtu,
               .link_owner = LinkOwner::others,
               .sets_dns = purpose.sets_dns,
               .cipher = std::move(cipher),
               .gateway = std::move(gateway),
               .observers = std::move(observers)};
}

Result<void> tell_ready(UniqueFd ready_fd) {
  if (!ready_fd.valid()) return {};
  if (write(ready_fd.get(), "1", 1) != 1)
    return fail("write to --ready-fd", errno, "The program that started this one may have ended");
  return {};
}

/// What the threads that move packets have: each a tunnel with a cipher of its own.
class Crew {
 public:
  /// A single thread shares the device's cipher, so that what the device wipes is wiped there, too.
  [[nodiscard]] Result<void> hire(std::size_t threads, const Tunnel::Common& common, crypto::Aead& cipher,
                                  const UdpSocket& udp) {
    for (std::size_t i = 0; i < threads; ++i) {
      if (threads > 1) ciphers_.push_back(crypto::make_backend(cipher.name()));
      tunnels_.push_back(std::make_unique<Tunnel>(common, threads > 1 ? *ciphers_.back() : cipher,
                                                  QueueShare{i, threads}, TRY(udp.share())));
    }
    return {};
  }
  /// The first thread's, and then those of the others; each to be taken once.
  [[nodiscard]] std::unique_ptr<Tunnel> take_first() { return std::move(tunnels_.front()); }
  [[nodiscard]] std::vector<std::unique_ptr<Tunnel>> take_others() {
    tunnels_.erase(tunnels_.begin());
    return std::move(tunnels_);
  }

 private:
  std::vector<std::unique_ptr<crypto::Aead>> ciphers_;
  std::vector<std::unique_ptr<Tunnel>> tunnels_;
};

/// Published ports, and the helper that stayed to dial for them. The ports go first.
struct PublishedPorts {
  UniqueFile api;
  std::optional<Child> agent;
  forward::Forwarder forwarder;
};

/// The process that will have them; nothing if none are wanted.
Result<std::optional<PublishedPorts>> prepare_ports(const AttachCommand& command) {
  if (!command.forward.wanted()) return std::nullopt;
  const auto confine = [&sandbox = command.tunnel.sandbox] { return confine_forwarder(sandbox); };
  return PublishedPorts{{}, {}, TRY(forward::Forwarder::create(command.forward, confine))};
}

Result<void> open_ports(PublishedPorts& ports, const forward::Settings& settings, const IpAddress& guest,
                        Attachment& attachment) {
  Agent agent = attachment.take_agent();
  ports.agent = std::move(agent.process);
  forward::ForwardLoop::Way way{.agent = std::move(agent.socket), .tables = std::move(agent.port_tables)};
  if (!settings.api_socket.empty()) {
    UnixListener listener = TRY(forward::listen_for_api(settings.api_socket));
    way.api = listener.take_fd();
    ports.api = listener.take_file();
  }
  return ports.forwarder.start(guest, std::move(way));
}

TunnelNeeds needs_of(const TunnelOptions& options, std::size_t threads,
                     const std::optional<uapi::ControlSocket>& control, const Observers& observers) {
  TunnelNeeds needs{.threads = threads > 1, .control = control.has_value(), .administration = options.configured_by_wg};
  observers.add_needs(needs);
  return needs;
}

Control::Facts facts_of(const Parts& parts, const TunnelOptions& options) {
  Control::Facts facts;
  facts.config = parts.config_path;
  facts.link = {.mtu = parts.mtu, .addresses = parts.config.addresses, .table = table_name(parts.config)};
  facts.link_owner = parts.link_owner;
  facts.wanted_mtu = options.mtu;
  facts.dns = dns_text(parts.config);
  facts.uses_dns = parts.sets_dns;
  return facts;
}

/// What the sandbox must not have: the files of sockets, and with them their folders.
Result<void> hand_over_files(Parts& parts, std::optional<PublishedPorts>& ports) {
  std::vector<UniqueFile> files;
  if (parts.control) files.push_back(parts.control->take_file());
  files.push_back(std::move(parts.registered));
  if (ports) files.push_back(std::move(ports->api));
  files.push_back(parts.observers.take_file());
  std::erase_if(files, [](const UniqueFile& file) { return file.directory() < 0; });
  return parts.janitor.take(std::move(files));
}

/// Everything is open: becomes the process that only serves.
Result<void> run(Parts parts, std::vector<UniqueFd> queues, const TunnelOptions& options, const std::string& what,
                 std::optional<PublishedPorts> ports = {}) {
  SecretMemory secrets;
  SystemEntropy entropy;
  SharedDevice device(*parts.cipher.aead, entropy, secrets.resource());
  std::vector<UniqueFd> tun_for_reload;
  tun_for_reload.emplace_back(fcntl(queues.front().get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  Control::Facts facts = facts_of(parts, options);
  const TunQueues tun = TRY(TunQueues::adopt(std::move(queues), tun_offloads(options.offloads)));
  const std::size_t threads = std::min<std::size_t>(thread_count(options), tun.size());
  if (threads > 1) device.threads();
  ReadOrder order;
  parts.observers.prepare_captures(tun[0].name(), parts.udp.port(), device, parts.control.has_value());
  Crew crew;
  TRY(crew.hire(
      threads,
      {device, tun, parts.gateway.get(), threads > 1 ? &order : nullptr, parts.observers.taps(), secrets.resource()},
      *parts.cipher.aead, parts.udp));
  const auto tunnel = crew.take_first();
  Workers workers = TRY(Workers::create(device, crew.take_others()));

  DeviceChange change = make_device_change(parts.config);
  parts.endpoints.fill_in(change);
  device.hold().set_mtu(parts.mtu);
  TRY(device.hold()->apply(change, read_clocks(), *tunnel));
  parts.config = WgConfig{};  // its keys are in `secrets` now, and nowhere else
  change = DeviceChange{};

  if (parts.link_owner == LinkOwner::engine) log::repeat_warnings(log::stderr_of_engine());
  TRY(hand_over_files(parts, ports));
  if (parts.reloader) TRY(parts.reloader->settle(parts.control ? std::optional(parts.control->name()) : std::nullopt));
  if (ports) parts.end.ports = &ports->forwarder;
  const SandboxGaps gaps =
      TRY(confine_tunnel(options.sandbox, needs_of(options, threads, parts.control, parts.observers)));
  TRY(workers.start());
  device.hold()->bring_up(read_clocks(), *tunnel);
  tunnel->flush();
  if (!secrets.all_locked()) log::debug("RLIMIT_MEMLOCK is too small to lock all keys in memory");
  const OffloadFacts offloads = offload_facts(tun, parts.udp);
  log::debug("threads: {}; queues: {}; cipher backend: {}; offloads: {}", threads, tun.size(),
             parts.cipher.aead->name(), describe(offloads));
  std::string status = fmt::format("{}, MTU {}, UDP port {}", what, parts.mtu, parts.udp.port());
  if (parts.control && !what.starts_with(parts.control->name() + " "))
    status += ", known to wg and show as " + parts.control->name();
  log::info("{}", status);
  TRY(parts.observers.start({.interface = tun[0].name(),
                             .version = std::string(version),
                             .cipher = std::string(parts.cipher.aead->name()),
                             .offloads = offloads,
                             .threads = threads,
                             .mtu = parts.mtu,
                             .start = read_clocks().wall},
                            device));
  parts.manager.ready(status);  // may wait for room in the manager's queue: whoever waits below starts to rely on us
  TRY(tell_ready(std::move(parts.ready_fd)));
  std::unique_ptr<LiveCaptures> captures;
  std::unique_ptr<Control> control;
  std::vector<LoopGuest*> guests = parts.observers.guests();
  if (parts.control) {
    captures = TRY(LiveCaptures::create(*parts.observers.taps(), device, tun[0].name()));
    guests.push_back(captures.get());
    facts.warnings = log::warnings();
    facts.threads = threads;
    facts.queues = tun.size();
    facts.cipher = parts.cipher.aead->name();
    facts.offloads = describe(offloads);
    facts.sandbox = describe(options.sandbox, gaps);
    control = TRY(Control::create(
        *std::move(parts.control),
        {device, *tunnel, workers, parts.udp, parts.udp_options, parts.endpoints, parts.key_lock, parts.reloader,
         parts.peer_watch, *captures, tun_for_reload, parts.where, options.allow_shared_key},
        std::move(facts)));
  }
  auto ended = serve(device, *tunnel, workers,
                     {parts.endpoints, parts.peer_watch, parts.manager, control.get(),
                      parts.reloader ? &*parts.reloader : nullptr, guests},
                     parts.end);
  parts.manager.stopping();
  return ended;
}

/// What is left to us of an engine's network: who made the interface sets it up, too.
EngineOptions engine_around(const AttachCommand& command, bool existed) {
  EngineOptions engine = *command.engine;
  engine.adds_default_route &= command.configuration != Configuration::yes;
  engine.adds_default_route |= existed;
  if (existed && engine.configures_at_once) engine.guest.reset();  // ours would make its own fail
  return engine;
}

AttachRequest make_request(const AttachCommand& command, TargetNamespaces target) {
  AttachRequest request;
  request.helper = command.helper.value_or("");
  request.target = std::move(target);
  request.begin = {.ifname = command.ifname,
                   .vnet_hdr = command.tunnel.offloads.vnet_header,
                   .queues = thread_count(command.tunnel) * queues_per_thread,
                   .await_owner = command.engine && command.engine->configures_at_once,
                   .configure = command.configuration,
                   .sandbox = command.tunnel.sandbox.mode,
                   .agent = command.forward.wanted(),
                   .port_tables = command.forward.follows()};
  // RootlessKit configures the interface that it has made, but knows nothing of the tunnel's addresses and routes.
  if (command.engine && command.configuration == Configuration::automatic) request.begin.configure = Configuration::yes;
  return request;
}

LinkOwner link_owner(const AttachCommand& command, bool existed) {
  if (command.engine) return LinkOwner::engine;
  const bool is_ours =
      command.configuration == Configuration::yes || (command.configuration == Configuration::automatic && !existed);
  return is_ours ? LinkOwner::ours : LinkOwner::others;
}

}  // namespace

Result<void> attach(const AttachCommand& command) {
  Target target = TRY(open_target(command));
  const std::string where = target.namespaces.name;
  std::optional<TargetWatch> watch;
  std::optional<NetnsWatch> netns;
  if (command.until_given_up)
    netns = TRY(NetnsWatch::create(std::move(target.process), target.is_process ? "" : command.target));
  else if (target.is_process)
    watch = TRY(
        TargetWatch::create(std::move(target.process), target.namespaces.net.get(), command.tunnel.sandbox.enabled()));
  auto ports = TRY(prepare_ports(command));
  const bool sets_dns = command.engine || command.resolv_conf;
  const std::string usual_control =
      command.engine ? name_under_engine(command.ifname, command.target, target.is_process) : command.ifname;
  Parts parts = TRY(prepare(command.tunnel, {where, command.engine, sets_dns, usual_control}));
  if (command.tunnel.configured_by_wg && parts.control)
    netns = TRY(NetnsWatch::create(UniqueFd(), parts.control->path()));
  parts.end.target = std::move(watch);
  parts.end.netns = std::move(netns);
  parts.end.with_interface = command.tunnel.configured_by_wg;

  Attachment attachment = TRY(Attachment::begin(make_request(command, std::move(target.namespaces))));
  LinkPlan plan = make_link_plan(parts.config, parts.mtu);
  if (command.engine) add_engine_network(plan, engine_around(command, attachment.tun().existed));
  // RootlessKit, which has made the interface, is about to set this MTU. IPv6 would raise that of our routes along with
  // it, had the two been the same before.
  if (command.engine && attachment.tun().existed) plan.mtu = command.tunnel.mtu.value_or(plan.mtu);
  parts.link_owner = link_owner(command, attachment.tun().existed);
  const auto warnings = TRY(attachment.finish(plan));
  for (const std::string& warning : warnings) log::warning("{}", warning);
  if (command.resolv_conf && !parts.config.dns_servers.empty())
    TRY(write_resolv_conf(*command.resolv_conf, resolv_conf_text(parts.config)));
  const IpAddress guest = command.forward.guest.is_unspecified() ? own_address(plan) : command.forward.guest;
  if (ports) TRY(open_ports(*ports, command.forward, guest, attachment));
  return run(std::move(parts), attachment.take_queues(), command.tunnel, attachment.tun().ifname + " in " + where,
             std::move(ports));
}

Result<void> serve_descriptor(const ServeCommand& command) {
  const std::string what = "descriptor " + std::to_string(command.tun_fd);
  Parts parts = TRY(prepare(command.tunnel, {what}));
  UniqueFd fd = TRY(adopt_descriptor(command.tun_fd, "--tun-fd", O_RDWR));
  std::vector<UniqueFd> queues;
  queues.push_back(std::move(fd));
  return run(std::move(parts), std::move(queues), command.tunnel, "serving " + what);
}

}  // namespace wg4
