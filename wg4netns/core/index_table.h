#pragma once
// The 32-bit numbers by which the other side names our handshakes and sessions (whitepaper 5.4: sender and receiver
// index). They are random, so that knowing one does not help to guess another; and since they are random, the table
// takes their low bits as the hash. Open addressing with linear probing; a removal closes the gap that it leaves, so
// there are no tombstones and look-ups do not decay under churn.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "wg4netns/core/entropy.h"
#include "wg4netns/core/peer_id.h"

namespace wg4 {

enum class IndexKind : std::uint8_t { handshake, keypair };

class IndexTable {
 public:
  struct Entry {
    PeerId peer = no_peer;
    IndexKind kind = IndexKind::handshake;
  };

  IndexTable() : slots_(min_slots) {}

  /// Draws a random index that is not in use and enters it for `entry`.
  [[nodiscard]] std::uint32_t allocate(Entropy& entropy, Entry entry);
  /// Changes the entry of an index that is in use: a handshake became a session.
  void replace(std::uint32_t index, Entry entry);
  /// Nothing happens when the index is not in use.
  void remove(std::uint32_t index);
  /// Null when the index is not in use. Valid until the table changes.
  [[nodiscard]] const Entry* find(std::uint32_t index) const;
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t min_slots = 16;
  struct Slot {
    std::uint32_t index = 0;
    Entry entry;  // of no_peer when the slot is empty
    [[nodiscard]] bool empty() const { return entry.peer == no_peer; }
  };

  [[nodiscard]] std::size_t wrap(std::size_t at) const { return at & (slots_.size() - 1); }
  /// The slot that holds the index, or the empty one where it would go.
  [[nodiscard]] std::size_t locate(std::uint32_t index) const;
  void resize(std::size_t slots);

  std::vector<Slot> slots_;  // a power of two, at most three quarters full
  std::size_t size_ = 0;
};

}  // namespace wg4
