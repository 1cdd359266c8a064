#include "wg4netns/daemon/ways_out.h"

#include "wg4netns/daemon/sandbox.h"
#include "wg4netns/forward/forward_loop.h"

namespace wg4 {

Result<std::optional<WaysOut>> WaysOut::prepare(const AttachCommand& command) {
  if (command.ways.empty()) return std::nullopt;
  forward::Settings settings;
  settings.ways = command.ways;
  const auto confine = [sandbox = command.tunnel.sandbox, ports = command.ways.tcp_ports()] {
    return confine_ways(sandbox, ports);
  };
  return WaysOut(TRY(forward::Forwarder::create(settings, confine)));
}

Result<void> WaysOut::open(std::vector<UniqueFd> listeners) {
  return forwarder_.start({}, {.agent = {}, .tables = {}, .api = {}, .inside = std::move(listeners)});
}

}  // namespace wg4
