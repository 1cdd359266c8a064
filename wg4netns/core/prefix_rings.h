#pragma once
// The prefixes of each peer: a ring (circular list) per peer, in the order in which they were added, so that the cost
// of listing, adding and removing does not depend on other peers.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/runs.h"

namespace wg4 {

template <class Bits>
class PrefixRings {
 public:
  using Index = std::uint32_t;

  struct Entry {
    Bits prefix{};
    Index next = 0;
    Index previous = 0;
    std::uint8_t length = 0;
  };

  /// Returns the index of the entry, valid until it is removed.
  Index add(PeerId peer, Bits prefix, unsigned length);
  void remove(PeerId peer, Index entry);
  /// nullptr when the peer has none.
  [[nodiscard]] const Entry* oldest(PeerId peer) const;
  /// Calls visit(Bits, unsigned length) for each prefix of the peer, oldest first, while that returns true.
  template <class Visit>
  void for_each(PeerId peer, Visit visit) const;

 private:
  static constexpr Index none = UINT32_MAX;

  Runs<Entry> entries_;        // each a run of one
  std::vector<Index> oldest_;  // by PeerId: the start of its ring
};

template <class Bits>
auto PrefixRings<Bits>::add(PeerId peer, Bits prefix, unsigned length) -> Index {
  if (peer >= oldest_.size()) oldest_.resize(peer + std::size_t{1}, none);
  const Index entry = entries_.insert(0, 0, 0, {prefix, 0, 0, static_cast<std::uint8_t>(length)});
  Index& oldest = oldest_[peer];
  if (oldest == none) oldest = entries_[entry].previous = entry;
  const Index newest = entries_[oldest].previous;
  entries_[entry].next = oldest;
  entries_[entry].previous = newest;
  entries_[newest].next = entries_[oldest].previous = entry;
  return entry;
}

template <class Bits>
void PrefixRings<Bits>::remove(PeerId peer, Index entry) {
  const auto [prefix, next, previous, length] = entries_[entry];
  if (oldest_[peer] == entry) oldest_[peer] = next == entry ? none : next;
  entries_[previous].next = next;
  entries_[next].previous = previous;
  entries_.erase(entry, 1, 0);
}

template <class Bits>
auto PrefixRings<Bits>::oldest(PeerId peer) const -> const Entry* {
  return peer < oldest_.size() && oldest_[peer] != none ? &entries_[oldest_[peer]] : nullptr;
}

template <class Bits>
template <class Visit>
void PrefixRings<Bits>::for_each(PeerId peer, Visit visit) const {
  const Entry* first = oldest(peer);
  if (first == nullptr) return;
  const Entry* at = first;
  do {
    if (!visit(at->prefix, unsigned{at->length})) return;
    at = &entries_[at->next];
  } while (at != first);
}

}  // namespace wg4
