#pragma once
// What the tunnel says to a process that forwards ports (forwarder.h). The answer is a handoff::Done, or a
// handoff::Failure.

#include <cstdint>

#include "shared/net/ip_address.h"
#include "shared/wire/kind.h"

namespace wg4::forward {

/// Attached are the agent's socket if there is one, that of the API if there is one, listeners in the namespace, and
/// the namespace's tables of ports.
struct PublishPorts {
  static constexpr wire::Kind message_kind = wire::Kind::publish_ports;
  IpAddress guest{};
  bool has_agent = false;
  bool has_api = false;
  std::uint32_t inside = 0;  ///< number of listeners in the namespace

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.guest);
    visit(self.has_agent);
    visit(self.has_api);
    visit(self.inside);
  }
};

}  // namespace wg4::forward
