#include "wg4netns/daemon/run_tunnel.h"

#include <fmt/format.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/config/wg_config.h"
#include "shared/sys/log.h"
#include "shared/sys/log_reader.h"
#include "shared/sys/service_manager.h"
#include "shared/sys/unique_file.h"
#include "wg4netns/core/control.h"
#include "wg4netns/daemon/caller.h"
#include "wg4netns/daemon/control.h"
#include "wg4netns/daemon/data_plane.h"
#include "wg4netns/daemon/endpoint_updates.h"
#include "wg4netns/daemon/event_source.h"
#include "wg4netns/daemon/live_captures.h"
#include "wg4netns/daemon/observe.h"
#include "wg4netns/daemon/published_ports.h"
#include "wg4netns/daemon/reload_link.h"
#include "wg4netns/daemon/sandbox.h"
#include "wg4netns/daemon/serve.h"
#include "wg4netns/daemon/source_table.h"
#include "wg4netns/daemon/target_end.h"
#include "wg4netns/daemon/tunnel_facts.h"
#include "wg4netns/io/clocks.h"
#include "wg4netns/io/tun_device.h"
#include "wg4netns/profile/config_file.h"

namespace wg4 {
namespace {

Result<std::unique_ptr<DataPlane>> make_data_plane(PreparedTunnel& tunnel, std::vector<UniqueFd> queues,
                                                   const TunnelOptions& options) {
  const Offloads& offloads = options.offloads;
  auto data_plane =
      TRY(DataPlane::create(*tunnel.cipher.aead, std::move(queues),
                            {.checksum = offloads.checksum, .segment_tcp = offloads.tso, .segment_udp = offloads.uso}));
  Observers& observers = tunnel.looking_in.observers;
  observers.prepare_captures(data_plane->tun()[0].name(), tunnel.outer.udp.number(), data_plane->device(),
                             tunnel.looking_in.control.has_value());
  TRY(data_plane->prepare_threads(thread_count(options), tunnel.outer.udp,
                                  {.gateway = tunnel.gateway.get(), .taps = observers.taps()}));
  return data_plane;
}

/// After this the configuration's keys are in the data plane's memory, and nowhere else.
Result<void> hand_over_configuration(PreparedTunnel& tunnel, DataPlane& data_plane) {
  DeviceChange change = make_device_change(tunnel.start.config);
  tunnel.outer.endpoints.fill_in(change);
  TRY(data_plane.configure(change, tunnel.mtu));
  tunnel.start.config = WgConfig{};
  return {};
}

/// The facts that are known before the sandbox is entered.
TunnelFacts facts_of(const PreparedTunnel& tunnel, const DataPlane& data_plane, LinkOwner owner,
                     const TunnelOptions& options) {
  const WgConfig& config = tunnel.start.config;
  TunnelFacts facts;
  facts.config = tunnel.start.path;
  facts.link = {.status = {.mtu = tunnel.mtu, .addresses = config.addresses, .table = table_name(config)},
                .owner = owner,
                .wanted_mtu = options.mtu,
                .dns = dns_text(config),
                .uses_dns = tunnel.start.uses_dns};
  facts.data_plane = data_plane.facts();
  return facts;
}

/// Gives the janitor what the sandbox must not have: the files of sockets, and with them their folders.
Result<void> hand_over_files(PreparedTunnel& tunnel) {
  std::vector<UniqueFile> files;
  if (tunnel.looking_in.control) files.push_back(tunnel.looking_in.control->take_file());
  files.push_back(std::move(tunnel.looking_in.registered));
  if (tunnel.processes.ports) files.push_back(tunnel.processes.ports->take_file());
  files.push_back(tunnel.looking_in.observers.take_file());
  std::erase_if(files, [](const UniqueFile& file) { return file.directory() < 0; });
  return tunnel.processes.janitor.take(std::move(files));
}

std::string outcome(const SandboxOptions& options, const SandboxGaps& gaps) {
  if (!options.enabled()) return "off";
  std::string text;
  for (const std::string& gap : gaps) text.append(text.empty() ? "without " : ", ").append(gap);
  return text.empty() ? "whole" : text;
}

/// Tells the reloader its tunnel, before that receives anything from the network.
Result<void> settle_reloader(const PreparedTunnel& tunnel) {
  const auto& reloader = tunnel.processes.reloader;
  const auto& control = tunnel.looking_in.control;
  return reloader ? reloader->settle(control ? std::optional(control->name()) : std::nullopt) : Result<void>();
}

/// Drops all privileges. Returns the outcome, for people.
Result<std::string> enter_sandbox(const PreparedTunnel& tunnel, const DataPlane& data_plane,
                                  const TunnelOptions& options) {
  TunnelNeeds needs{.threads = data_plane.threads() > 1,
                    .control = tunnel.looking_in.control.has_value(),
                    .administration = options.configured_by_wg,
                    .leaves_interface = tunnel.caller.namespace_owner != 0};
  tunnel.looking_in.observers.add_needs(needs);
  return outcome(options.sandbox, TRY(confine_tunnel(options.sandbox, needs)));
}

/// "wg0 in process 4711, MTU 1420, UDP port 51820, known to wg and show as vpn"
std::string status_line(const PreparedTunnel& tunnel, const std::string& interface) {
  std::string status = fmt::format("{}, MTU {}, UDP port {}", interface, tunnel.mtu, tunnel.outer.udp.number());
  const auto& control = tunnel.looking_in.control;
  if (control && !interface.starts_with(control->name() + " "))
    status += ", known to wg and show as " + control->name();
  return status;
}

void log_details(const DataPlane& data_plane, const DataPlaneFacts& facts) {
  if (!data_plane.keys_are_locked()) log::debug("RLIMIT_MEMLOCK is too small to lock all keys in memory");
  log::debug("threads: {}; queues: {}; cipher backend: {}; offloads: {}", facts.threads, facts.queues, facts.cipher,
             describe(facts.offloads));
}

/// The sources that end the tunnel.
void add_ends(SourceTable& sources, PreparedTunnel& tunnel) {
  Caller& caller = tunnel.caller;
  const auto& reloader = tunnel.processes.reloader;
  const bool can_reload = reloader && tunnel.looking_in.control;
  sources.add(std::make_unique<SignalSource>(caller, can_reload ? &*reloader : nullptr));
  if (caller.exit_fd.valid()) sources.add(std::make_unique<ExitSource>(caller));
  TargetEnd& target = tunnel.target_end;
  if (target.last_process) sources.add(std::make_unique<LastProcessSource>(*target.last_process));
  if (target.given_up)
    for (const int fd : target.given_up->fds()) sources.add(std::make_unique<GivenUpSource>(*target.given_up, fd));
  if (tunnel.processes.ports) sources.add(std::make_unique<PortsEndSource>(tunnel.processes.ports->process()));
  if (tunnel.processes.ways) sources.add(std::make_unique<PortsEndSource>(tunnel.processes.ways->process()));
}

/// The sources for names that change, for reloads that end, and for the service manager's heartbeat.
void add_companions(SourceTable& sources, PreparedTunnel& tunnel, DataPlane& data_plane) {
  ServiceManager& manager = tunnel.caller.manager;
  sources.add(std::make_unique<EndpointUpdates>(tunnel.outer.endpoints, data_plane.device(), data_plane.first()));
  if (tunnel.processes.reloader) sources.add(std::make_unique<ReloadEndSource>(*tunnel.processes.reloader, manager));
  if (manager.interval()) sources.add(std::make_unique<HeartbeatSource>(manager));
}

/// The sources for the control socket's clients, and for the captures that they ask for.
Result<void> add_control(SourceTable& sources, PreparedTunnel& tunnel, DataPlane& data_plane, TunnelFacts facts) {
  if (!tunnel.looking_in.control) return {};
  const auto& reloader = tunnel.processes.reloader;
  facts.warnings = log::warnings();
  const TunDevice& tun = data_plane.tun()[0];
  auto captures = TRY(LiveCaptures::create(*tunnel.looking_in.observers.taps(), data_plane.device(), tun.name()));
  auto control = TRY(Control::create(*std::move(tunnel.looking_in.control),
                                     {.device = data_plane.device(),
                                      .output = data_plane.first(),
                                      .udp = tunnel.outer.udp,
                                      .key_lock = tunnel.key_lock,
                                      .endpoints = tunnel.outer.endpoints,
                                      .reloader = reloader ? &*reloader : nullptr,
                                      .peer_watch = tunnel.outer.peer_watch},
                                     {.captures = *captures, .tun = tun.descriptor()}, std::move(facts)));
  sources.add(std::move(control));
  sources.add(std::move(captures));
  return {};
}

/// The interface stays when the last descriptor of it is closed, and goes with its namespace, for which nobody waits:
/// whoever closes the last descriptor of another one waits until the kernel has forgotten it.
void leave_to_namespace(const TunDevice& tun) { ioctl(tun.fd(), TUNSETPERSIST, 1UL); }

}  // namespace

Result<void> run_tunnel(PreparedTunnel tunnel, AttachedInterface interface, const TunnelOptions& options) {
  const auto data_plane = TRY(make_data_plane(tunnel, std::move(interface.queues), options));
  TunnelFacts facts = facts_of(tunnel, *data_plane, interface.link_owner, options);
  TRY(hand_over_configuration(tunnel, *data_plane));
  if (interface.link_owner == LinkOwner::engine) log::repeat_warnings(log::stderr_of_engine());
  TRY(hand_over_files(tunnel));
  TRY(settle_reloader(tunnel));
  facts.sandbox = TRY(enter_sandbox(tunnel, *data_plane, options));
  TRY(data_plane->start());
  log_details(*data_plane, facts.data_plane);

  const std::string status = status_line(tunnel, interface.name);
  log::info("{}", status);
  facts.start = read_clocks().wall;
  SourceTable sources;
  if (auto metrics = TRY(tunnel.looking_in.observers.start(facts, data_plane->device())))
    sources.add(std::move(metrics));
  TRY(tunnel.caller.tell_ready(status));
  add_ends(sources, tunnel);
  add_companions(sources, tunnel, *data_plane);
  TRY(add_control(sources, tunnel, *data_plane, std::move(facts)));
  const auto ended =
      serve(*data_plane, {.endpoints = tunnel.outer.endpoints, .peer_watch = tunnel.outer.peer_watch}, sources);
  tunnel.caller.manager.stopping();
  if (tunnel.caller.namespace_ends) leave_to_namespace(data_plane->tun()[0]);
  if (!ended) return std::unexpected(ended.error());
  if (*ended == LoopEnd::interface_gone && !options.configured_by_wg)
    return fail("the interface is gone", 0, "It was deleted in its namespace, or the namespace ended");
  return {};
}

}  // namespace wg4
