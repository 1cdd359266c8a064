#pragma once

#include <cstdint>
#include <optional>

#include "shared/base/keys.h"
#include "wg4netns/core/cookie.h"
#include "wg4netns/core/evidence.h"
#include "wg4netns/core/keypair.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/noise.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/staged_queue.h"
#include "wg4netns/core/time.h"
#include "wg4netns/core/timers.h"

namespace wg4 {

/// The state of one peer, without behaviour: that is the Device's.
struct Peer {
  Peer(PeerId peer_id, const PublicKey& public_key) : id(peer_id), handshake(public_key), cookies(public_key) {}

  [[nodiscard]] const PublicKey& public_key() const { return handshake.remote_static(); }
  /// The last initiation is so recent that the next one has to wait (whitepaper 6.1: Rekey-Timeout).
  [[nodiscard]] bool initiated_recently(Instant now) const {
    return last_sent_handshake && now - *last_sent_handshake < rekey_timeout;
  }

  PeerId id;
  Handshake handshake;
  Keypairs keypairs;
  CookieJar cookies;
  Timers timers;
  StagedQueue staged;
  std::optional<Path> path;  ///< none until configured or heard from
  std::optional<Instant> last_sent_handshake;
  std::optional<WallTime> last_handshake;  ///< completed
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
  PeerEvidence evidence;
  Instant scheduled = never;  ///< this peer's deadline in the timer queue, never later than timers.next()
};

}  // namespace wg4
