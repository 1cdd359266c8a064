#include "wg4netns/daemon/published_ports.h"

#include <utility>

#include "shared/sys/unix_listener.h"
#include "wg4netns/daemon/sandbox.h"
#include "wg4netns/forward/api_server.h"
#include "wg4netns/forward/forward_loop.h"

namespace wg4 {

Result<std::optional<PublishedPorts>> PublishedPorts::prepare(const AttachCommand& command) {
  if (!command.forward.wanted()) return std::nullopt;
  const auto confine = [&sandbox = command.tunnel.sandbox] { return confine_forwarder(sandbox); };
  return PublishedPorts(TRY(forward::Forwarder::create(command.forward, confine)));
}

Result<void> PublishedPorts::open(const forward::Settings& settings, const IpAddress& own_address, Agent agent) {
  agent_ = std::move(agent.process);
  forward::ForwardLoop::Descriptors descriptors{.agent = std::move(agent.socket),
                                                .tables = std::move(agent.port_tables)};
  if (!settings.api_socket.empty()) {
    UnixListener listener = TRY(forward::listen_for_api(settings.api_socket));
    descriptors.api = listener.take_fd();
    api_ = listener.take_file();
  }
  return forwarder_.start(settings.guest.is_unspecified() ? own_address : settings.guest, std::move(descriptors));
}

Result<AfterTurn> PortsEndSource::turn(Now) {
  TRY(process_.end());
  return AfterTurn::end;
}

}  // namespace wg4
