#pragma once

#include <array>

#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"

namespace wg4::capture {

/// Asks the routing table which of our addresses a datagram is sent from, if the sending socket leaves that open:
/// Wireshark needs the address to find the session. Sends nothing.
class SourceProbe {
 public:
  SourceProbe();

  /// Unspecified where there is no route. Costs system calls only when `remote` is not that of the last call.
  [[nodiscard]] IpAddress towards(const Endpoint& remote);

  /// From now on the result is always unspecified. Without this, the sandbox must allow connect(2) and getsockname(2).
  void close() { sockets_ = {}; }

 private:
  std::array<UniqueFd, 2> sockets_;  // IPv4, IPv6
  Endpoint remote_;
  IpAddress source_;
};

}  // namespace wg4::capture
