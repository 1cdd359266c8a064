#pragma once
// What the tunnel says to the process that publishes ports (forwarder.h). The answer is a handoff::Done, or a
// handoff::Failure.

#include "shared/net/ip_address.h"
#include "shared/wire/kind.h"

namespace wg4::forward {

/// Attached are the agent's socket, that of the API if there is one, and the namespace's tables of ports.
struct PublishPorts {
  static constexpr wire::Kind message_kind = wire::Kind::publish_ports;
  IpAddress guest{};
  bool has_api = false;

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.guest);
    visit(self.has_api);
  }
};

}  // namespace wg4::forward
