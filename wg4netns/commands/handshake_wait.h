#pragma once

#include "shared/base/result.h"
#include "wg4netns/commands/join_tunnel.h"

namespace wg4 {

/// Waits until a peer of the tunnel has answered. Meanwhile packets are sent to each peer, since WireGuard begins no
/// handshake without one.
/// The tunnel, which is locked before and after, is not locked while this waits.
[[nodiscard]] Result<void> wait_for_handshake(JoinedTunnel& tunnel);

}  // namespace wg4
