#pragma once

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/net/protocol.h"

namespace wg4 {

/// A socket that gets what is sent to `address`; of TCP it listens. Non-blocking; one for IPv6 gets nothing of IPv4,
/// one of UDP tells the address that a datagram was sent to (PKTINFO). With `interface` it gets only what arrives
/// there.
[[nodiscard]] Result<UniqueFd> listen_at(Protocol protocol, const Endpoint& address, const char* interface = nullptr);

}  // namespace wg4
