#include "wg4netns/daemon/attach.h"

#include <string>
#include <utility>

#include "wg4netns/daemon/command_names.h"
#include "wg4netns/daemon/control.h"
#include "wg4netns/daemon/make_interface.h"
#include "wg4netns/daemon/prepare.h"
#include "wg4netns/daemon/published_ports.h"
#include "wg4netns/daemon/resolv_conf.h"
#include "wg4netns/daemon/run_tunnel.h"
#include "wg4netns/daemon/target.h"
#include "wg4netns/daemon/target_end.h"
#include "wg4netns/daemon/ways_out.h"

namespace wg4 {
namespace {

Purpose purpose_of(const AttachCommand& command, const Target& target) {
  return {.where = target.namespaces.name,
          .engine = command.engine,
          .uses_dns = command.engine || command.resolv_conf || command.names_wanted,
          .namespace_owner = command.names_wanted ? target.pid : 0,
          .usual_control =
              command.engine ? name_under_engine(command.ifname, command.target, target.is_process) : command.ifname};
}

}  // namespace

Result<void> attach(const AttachCommand& command) {
  Target target = TRY(open_target(command));
  TargetEnd target_end = TRY(watch_target(command, target));
  auto ports = TRY(PublishedPorts::prepare(command));
  auto ways = TRY(WaysOut::prepare(command));
  PreparedTunnel tunnel = TRY(prepare(command.tunnel, purpose_of(command, target)));
  if (command.tunnel.configured_by_wg && tunnel.looking_in.control)
    TRY(watch_control_socket(target_end, *tunnel.looking_in.control));
  if (command.names_wanted) TRY(tell_names(*command.names_wanted, tunnel.start));
  auto interface = TRY(make_interface(command, std::move(target.namespaces), tunnel.start.config, tunnel.mtu));
  if (command.resolv_conf) TRY(write_resolv_conf(*command.resolv_conf, tunnel.start.config));
  if (ports) {
    TRY(ports->open(command.forward, interface.own_address, *std::move(interface.agent)));
    tunnel.processes.ports.emplace(*std::move(ports));
  }
  if (ways) {
    TRY(ways->open(std::move(interface.listeners)));
    tunnel.processes.ways.emplace(*std::move(ways));
  }
  tunnel.target_end = std::move(target_end);
  return run_tunnel(std::move(tunnel), std::move(interface), command.tunnel);
}

Result<void> serve_descriptor(const ServeCommand& command) {
  const std::string where = "descriptor " + std::to_string(command.tun_fd);
  PreparedTunnel tunnel = TRY(prepare(command.tunnel, {.where = where}));
  auto interface = TRY(adopt_interface(command));
  return run_tunnel(std::move(tunnel), std::move(interface), command.tunnel);
}

}  // namespace wg4
