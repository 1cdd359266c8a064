#pragma once

#include <algorithm>
#include <cstddef>
// The only friend of the core's classes: lets tests read internal state, and set counters that would take years.

#include "shared/base/keys.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/keypair.h"
#include "wg4netns/core/peer.h"

namespace wg4 {

struct DeviceProbe {
  [[nodiscard]] static std::size_t indices(const Device& device) { return device.index_table_.size(); }
  [[nodiscard]] static std::size_t handshakes_waiting(const Device& device) { return device.handshake_queue_.size(); }
  [[nodiscard]] static std::size_t limited_sources(const Device& device) { return device.rate_limiter_.size(); }
  [[nodiscard]] static std::size_t deadlines(const Device& device) { return device.timer_queue_.size(); }
  [[nodiscard]] static std::size_t peer_places(const Device& device) { return device.peers_.size(); }

  [[nodiscard]] static Peer* peer(Device& device, const PublicKey& key) { return device.find_peer(key); }
  [[nodiscard]] static const Keypair* previous(const Keypairs& keypairs) { return keypairs.previous_.get(); }
  [[nodiscard]] static Keypair* current(Keypairs& keypairs) { return keypairs.current_.get(); }
  [[nodiscard]] static const Keypair* next(const Keypairs& keypairs) { return keypairs.next_.get(); }

  /// What the index table should hold: one for each session and each handshake in progress.
  [[nodiscard]] static std::size_t indices_in_use(const Device& device) {
    std::size_t count = 0;
    for (const auto& peer : device.peers_) {
      if (!peer) continue;
      const Keypairs& keypairs = peer->keypairs;
      count += (keypairs.previous_ ? 1U : 0U) + (keypairs.current_ ? 1U : 0U) + (keypairs.next_ ? 1U : 0U) +
               (peer->handshake.local_index() ? 1U : 0U);
    }
    return count;
  }
  [[nodiscard]] static std::size_t most_staged(const Device& device) {
    std::size_t most = 0;
    for (const auto& peer : device.peers_)
      if (peer) most = std::max(most, peer->staged.size());
    return most;
  }
};

}  // namespace wg4
