#pragma once

#include <array>

#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"

namespace wg4::capture {

/// Asks the routing table from which of our addresses a datagram leaves, where the socket that sends it does not say:
/// Wireshark finds a session by its addresses. Nothing is sent.
class SourceProbe {
 public:
  SourceProbe();

  /// Unspecified where there is no route. Costs system calls only when `remote` is not that of the last call.
  [[nodiscard]] IpAddress towards(const Endpoint& remote);

  /// From now on all are unspecified. Without this a sandbox has to leave connect(2) and getsockname(2) for it.
  void close() { sockets_ = {}; }

 private:
  std::array<UniqueFd, 2> sockets_;  // IPv4, IPv6
  Endpoint remote_;
  IpAddress source_;
};

}  // namespace wg4::capture
