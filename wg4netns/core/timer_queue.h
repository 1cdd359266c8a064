#pragma once
// One deadline per peer, in a heap that knows the position of each peer. The heap is four-ary: half as deep as a binary
// one, with the children of a node side by side in memory.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"

namespace wg4 {

/// PeerIds are expected to be small numbers: memory grows with the highest.
class TimerQueue {
 public:
  /// Allocates in advance, so that set() for a peer below `peers` need not.
  void reserve(std::size_t peers);
  /// Sets or moves the deadline of a peer. Allocates only for an id higher than any before.
  void set(PeerId peer, Instant deadline);
  /// Nothing happens when the peer has no deadline.
  void cancel(PeerId peer);
  /// The earliest deadline.
  [[nodiscard]] std::optional<Instant> next() const;
  /// Removes and returns the peer with the earliest deadline, if that is not after `now`.
  [[nodiscard]] std::optional<PeerId> pop_due(Instant now);
  [[nodiscard]] std::size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    Instant deadline;
    PeerId peer;
  };
  static constexpr std::uint32_t absent = UINT32_MAX;

  void remove_at(std::size_t at);
  void sift(std::size_t at, Entry entry);
  void put(std::size_t at, Entry entry);

  std::vector<Entry> heap_;
  std::vector<std::uint32_t> places_;  // by PeerId: its position in heap_, or absent
};

}  // namespace wg4
