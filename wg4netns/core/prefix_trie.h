#pragma once
// A trie with a branch for each hexadecimal digit, and with path compression. A node stands for the digits that
// everything below it shares. It holds the prefixes that end within its next digit, 1 to 4 bits into it, as one bit
// each (and the root also the prefix of length 0); for longer ones there may be a child for each value of that digit.
// There are no chains of single children: a node exists because it has a prefix or because branches part at it. So n
// prefixes need at most 2n nodes, and even with a million prefixes the trie is only about five nodes deep, where a
// binary trie would be 20. Each step waits for memory, which is all that a look-up costs.
//
// Only the children that exist are stored, side by side: the position of one is the number of bits set below its own in
// the node's bitmap. The same goes for the owners of the node's prefixes (the "tree bitmap" of Eatherton, Varghese and
// Dittia, 2004). Within the digit, prefixes are numbered as in a binary heap: the empty one is 1, and the two halves of
// n are 2n and 2n + 1; so a prefix has a higher number than those that contain it.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "wg4netns/core/address_bits.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/prefix_rings.h"
#include "wg4netns/core/runs.h"

namespace wg4 {

template <class Bits>
class PrefixTrie {
 public:
  PrefixTrie() { nodes_.insert(0, 0, 0, Node{}); }

  /// Host bits do not matter. A prefix that another peer owns moves to this one. `length` is at most the address's
  /// bits, here and below.
  void insert(Bits address, unsigned length, PeerId peer);
  /// False when the prefix is not this peer's own.
  bool remove(Bits address, unsigned length, PeerId peer);
  void remove_all(PeerId peer);
  /// The owner of the longest prefix that contains `address`, or no_peer.
  [[nodiscard]] PeerId find(Bits address) const;

  /// Calls visit(Bits, unsigned length) for each prefix of the peer, oldest first, until one returns false.
  template <class Visit>
  void for_each(PeerId peer, Visit visit) const {
    rings_.for_each(peer, visit);
  }
  [[nodiscard]] std::size_t size() const { return owners_.size(); }
  /// Nodes in use, the root included: never more than 2 * size() + 1.
  [[nodiscard]] std::size_t node_count() const { return nodes_.size(); }

 private:
  using Index = std::uint32_t;
  static constexpr Index root = 0;
  static constexpr Index none = 0;  // the root is nobody's child
  static constexpr unsigned digit_bits = 4;

  struct Node {
    Bits prefix{};               // zero after its digits
    Index children = none;       // a run in nodes_
    Index owners = 0;            // a run in owners_
    std::uint32_t owned = 0;     // a bit for each prefix that is owned, by its number
    std::uint16_t branches = 0;  // a bit for each child, by its digit
    std::uint8_t digits = 0;     // how many digits it stands for
  };
  struct Owner {
    PeerId peer = no_peer;
    Index entry = 0;  // in rings_
  };

  /// How many digits are in front of the one in which a prefix ends.
  [[nodiscard]] static unsigned digits_before(unsigned length) { return length == 0 ? 0 : (length - 1) / digit_bits; }
  /// The prefix's number in the node of that many digits.
  [[nodiscard]] static unsigned number(Bits prefix, unsigned length) {
    const unsigned at = digits_before(length);
    return (16U | prefix.digit(at)) >> ((at + 1) * digit_bits - length);
  }
  [[nodiscard]] static bool holds(const Node& node, Bits address) {
    return node.prefix.common(address) >= node.digits * digit_bits;
  }
  [[nodiscard]] static Node make_node(Bits prefix, unsigned digits) {
    return {.prefix = prefix.masked(digits * digit_bits), .digits = static_cast<std::uint8_t>(digits)};
  }
  /// How many bits of `set` are below the one at `bit`.
  [[nodiscard]] static unsigned rank(std::uint32_t set, unsigned bit) {
    return static_cast<unsigned>(std::popcount(set & ((1U << bit) - 1)));
  }
  [[nodiscard]] static unsigned count(std::uint32_t set) { return static_cast<unsigned>(std::popcount(set)); }
  [[nodiscard]] static Index child(const Node& node, unsigned digit) {
    return ((node.branches >> digit) & 1) != 0 ? node.children + rank(node.branches, digit) : none;
  }

  Index attach(Index parent, Bits prefix, unsigned digits);
  void detach(Index parent, unsigned digit);
  void fork(Index node, unsigned digits);
  void join(Index node);

  Runs<Node> nodes_;
  Runs<Owner> owners_;
  PrefixRings<Bits> rings_;
};

/// By a digit: a bit for each prefix that contains it, by its number.
inline constexpr auto prefixes_of_digit = [] {
  std::array<std::uint32_t, 16> sets{};
  for (unsigned digit = 0; digit < 16; ++digit) {
    for (unsigned number = 16 + digit; number != 0; number /= 2) sets[digit] |= 1U << number;
  }
  return sets;
}();

template <class Bits>
PeerId PrefixTrie<Bits>::find(Bits address) const {
  const Node* longest = nullptr;
  std::uint32_t matches = 0;
  Index at = root;
  do {
    const Node& node = nodes_[at];
    if (!holds(node, address)) break;
    const unsigned digit = address.digit(node.digits);
    if (const std::uint32_t here = node.owned & prefixes_of_digit[digit]; here != 0) {
      longest = &node;
      matches = here;
    }
    at = child(node, digit);
  } while (at != none);
  if (longest == nullptr) return no_peer;
  const auto number = static_cast<unsigned>(std::bit_width(matches)) - 1;
  return owners_[longest->owners + rank(longest->owned, number)].peer;
}

template <class Bits>
void PrefixTrie<Bits>::insert(Bits address, unsigned length, PeerId peer) {
  const Bits prefix = address.masked(length);
  const unsigned digits = digits_before(length);
  if (size() == 0) nodes_[root] = make_node(prefix, digits);
  Index at = root;
  while (true) {
    const unsigned shared = std::min(digits, nodes_[at].prefix.common(prefix) / digit_bits);
    if (shared < nodes_[at].digits) fork(at, shared);
    if (nodes_[at].digits == digits) break;
    const Index below = child(nodes_[at], prefix.digit(nodes_[at].digits));
    at = below != none ? below : attach(at, prefix, digits);
  }
  Node& node = nodes_[at];
  const unsigned bit = number(prefix, length);
  const unsigned place = rank(node.owned, bit);
  const Owner owner{peer, rings_.add(peer, prefix, length)};
  if (((node.owned >> bit) & 1) != 0) {
    Owner& previous = owners_[node.owners + place];
    rings_.remove(previous.peer, previous.entry);
    previous = owner;
  } else {
    node.owners = owners_.insert(node.owners, count(node.owned), place, owner);
    node.owned |= 1U << bit;
  }
}

template <class Bits>
bool PrefixTrie<Bits>::remove(Bits address, unsigned length, PeerId peer) {
  const Bits prefix = address.masked(length);
  const unsigned digits = digits_before(length);
  Index parent = root;
  Index at = root;
  while (nodes_[at].digits < digits) {
    parent = at;
    at = child(nodes_[at], prefix.digit(nodes_[at].digits));
    if (at == none) return false;
  }
  Node& node = nodes_[at];
  const unsigned bit = number(prefix, length);
  if (node.digits != digits || !holds(node, prefix) || ((node.owned >> bit) & 1) == 0) return false;
  const unsigned place = rank(node.owned, bit);
  const Owner owner = owners_[node.owners + place];
  if (owner.peer != peer) return false;

  rings_.remove(peer, owner.entry);
  node.owners = owners_.erase(node.owners, count(node.owned), place);
  node.owned &= ~(1U << bit);
  if (size() == 0) {
    *this = PrefixTrie();
  } else if (node.owned == 0 && node.branches == 0) {
    detach(parent, prefix.digit(nodes_[parent].digits));
    join(parent);
  } else {
    join(at);
  }
  return true;
}

template <class Bits>
void PrefixTrie<Bits>::remove_all(PeerId peer) {
  while (const auto* entry = rings_.oldest(peer)) remove(entry->prefix, entry->length, peer);
}

/// A new child for a digit that has none.
template <class Bits>
auto PrefixTrie<Bits>::attach(Index parent, Bits prefix, unsigned digits) -> Index {
  const Node node = nodes_[parent];
  const unsigned digit = prefix.digit(node.digits);
  const unsigned place = rank(node.branches, digit);
  const Index children = nodes_.insert(node.children, count(node.branches), place, make_node(prefix, digits));
  nodes_[parent].children = children;
  nodes_[parent].branches = static_cast<std::uint16_t>(node.branches | (1U << digit));
  return children + place;
}

template <class Bits>
void PrefixTrie<Bits>::detach(Index parent, unsigned digit) {
  const Node node = nodes_[parent];
  const Index children = nodes_.erase(node.children, count(node.branches), rank(node.branches, digit));
  nodes_[parent].children = children;
  nodes_[parent].branches = static_cast<std::uint16_t>(node.branches & ~(1U << digit));
}

/// Puts a new node with fewer digits in a node's place, with that node as its only child.
template <class Bits>
void PrefixTrie<Bits>::fork(Index node, unsigned digits) {
  const Node below = nodes_[node];
  Node above = make_node(below.prefix, digits);
  above.children = nodes_.insert(none, 0, 0, below);
  above.branches = static_cast<std::uint16_t>(1U << below.prefix.digit(digits));
  nodes_[node] = above;
}

/// The inverse: replaces a node that has no prefix by its only child.
template <class Bits>
void PrefixTrie<Bits>::join(Index node) {
  const Node above = nodes_[node];
  if (above.owned != 0 || !std::has_single_bit(above.branches)) return;
  nodes_[node] = nodes_[above.children];
  nodes_.erase(above.children, 1, 0);
}

}  // namespace wg4
