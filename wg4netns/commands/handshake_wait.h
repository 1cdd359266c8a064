#pragma once

#include <string>

#include "shared/base/result.h"
#include "wg4netns/supervise/keeper_client.h"

namespace wg4 {

/// Waits until a peer of the tunnel has answered, and gives it reason to: WireGuard is silent until there is a packet.
[[nodiscard]] Result<void> wait_for_handshake(const std::string& tunnel, const keeper::Room& room);

}  // namespace wg4
