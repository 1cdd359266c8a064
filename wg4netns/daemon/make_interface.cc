#include "wg4netns/daemon/make_interface.h"

#include <fcntl.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "shared/config/make_link_plan.h"
#include "shared/handoff/handoff.h"
#include "shared/link/link_plan.h"
#include "shared/net/protocol.h"
#include "shared/sys/log.h"
#include "shared/sys/sandbox_mode.h"
#include "wg4netns/daemon/caller.h"
#include "wg4netns/daemon/engine_network.h"
#include "wg4netns/forward/ways.h"

namespace wg4 {
namespace {

/// Queues that one thread reads in turn, so that a flow seldom shares its queue with another.
constexpr unsigned queues_per_thread = 8;
constexpr unsigned max_threads = handoff::max_tun_fds / queues_per_thread;

/// The part of an engine's network that is left to us: the program that made the interface sets it up, too.
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
  for (const forward::InsideListener& listener : command.ways.listeners())
    (listener.protocol == Protocol::tcp ? request.begin.tcp_listeners : request.begin.udp_listeners)
        .push_back(listener.address);
  // RootlessKit configures the interface that it has made, but knows nothing of the tunnel's addresses and routes.
  if (command.engine && command.configuration == Configuration::automatic) request.begin.configure = Configuration::yes;
  return request;
}

/// `existed`: another program has made the interface before.
LinkPlan make_plan(const AttachCommand& command, const WgConfig& config, std::uint16_t mtu, bool existed) {
  LinkPlan plan = make_link_plan(config, mtu);
  plan.local_networks = command.ways.networks();
  if (!command.engine) return plan;
  add_engine_network(plan, engine_around(command, existed));
  // RootlessKit, which has made the interface, is about to set this MTU. IPv6 would raise that of our routes along with
  // it, had the two been the same before.
  if (existed) plan.mtu = command.tunnel.mtu.value_or(plan.mtu);
  return plan;
}

LinkOwner link_owner(const AttachCommand& command, bool existed) {
  if (command.engine) return LinkOwner::engine;
  const bool is_ours =
      command.configuration == Configuration::yes || (command.configuration == Configuration::automatic && !existed);
  return is_ours ? LinkOwner::ours : LinkOwner::others;
}

}  // namespace

/// A rule of thumb, not yet measured: the programs at both ends of the tunnel's connections want processors, too, and a
/// client's one connection seldom fills more than a few.
unsigned thread_count(const TunnelOptions& options) {
  const unsigned processors = std::thread::hardware_concurrency();
  const unsigned best = processors < 4 ? 1 : std::min(processors / 2, 4U);
  return std::min(options.threads.value_or(best), max_threads);
}

Result<AttachedInterface> make_interface(const AttachCommand& command, TargetNamespaces target, const WgConfig& config,
                                         std::uint16_t mtu) {
  const std::string where = target.name;
  Attachment attachment = TRY(Attachment::begin(make_request(command, std::move(target))));
  const bool existed = attachment.tun().existed;
  const LinkPlan plan = make_plan(command, config, mtu, existed);
  const auto warnings = TRY(attachment.finish(plan));
  for (const std::string& warning : warnings) log::warning("{}", warning);
  AttachedInterface interface{.queues = attachment.take_queues(),
                              .name = attachment.tun().ifname + " in " + where,
                              .link_owner = link_owner(command, existed),
                              .own_address = own_address(plan),
                              .agent = {},
                              .listeners = attachment.take_listeners()};
  if (command.forward.wanted()) interface.agent = attachment.take_agent();
  return interface;
}

Result<AttachedInterface> adopt_interface(const ServeCommand& command) {
  AttachedInterface interface{.queues = {}, .name = "serving descriptor " + std::to_string(command.tun_fd)};
  interface.queues.push_back(TRY(adopt_descriptor(command.tun_fd, "--tun-fd", O_RDWR)));
  return interface;
}

}  // namespace wg4
