#pragma once
// Tries what a tunnel would do, with the core and a UDP socket, but without an interface. It uses the key of the
// configuration, so no tunnel may use that at the same time (key_lock.h).

#include <cstddef>
#include <optional>
#include <vector>

#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "wg4netns/core/time.h"
#include "wg4netns/doctor/peer_facts.h"
#include "wg4netns/io/udp_socket.h"

namespace wg4::doctor {

struct ProbeOptions {
  std::optional<WallTime> configured;  ///< when the configuration was written
  std::size_t mtu = 0;                 ///< of the tunnel, in bytes
};

/// Shakes hands with every peer that has an endpoint, and sends it pings. Takes about 20 s for peers that do not
/// answer, and up to a minute for those that answer no pings.
[[nodiscard]] Result<void> probe_peers(const WgConfig& config, const ProbeOptions& options, UdpSocket udp,
                                       std::vector<PeerFacts>& peers);

}  // namespace wg4::doctor
