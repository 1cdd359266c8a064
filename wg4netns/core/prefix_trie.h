#pragma once
// A binary trie with path compression, as the kernel's allowedips.c: a node stands for a prefix, its two children for
// longer prefixes below it, by the bit right behind its own. Chains of single children do not exist: a node is there
// because a peer owns its prefix or because two branches part at it. So n prefixes need at most 2n nodes, and a look-up
// visits one node per prefix length that matters, never more than the address has bits.
//
// Nodes live in one vector and name each other by index: half the size of pointers, and nothing is allocated per node.
// Node 0 is the root, 0/0; it is always there, and since it is nobody's child, 0 also means "no child". The prefixes of
// one peer form a ring through their nodes, in the order in which they were inserted.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "shared/base/bytes.h"
#include "wg4netns/core/peer_id.h"

namespace wg4 {

/// An IPv4 address as a number; bit 0 is the first on the wire.
struct Bits32 {
  static constexpr unsigned width = 32;
  std::uint32_t value = 0;

  [[nodiscard]] static Bits32 load(const std::uint8_t* wire) { return {load_be<std::uint32_t>(wire)}; }
  void store(std::uint8_t* wire) const { store_be(wire, value); }
  [[nodiscard]] bool bit(unsigned at) const { return ((value >> (31 - at)) & 1) != 0; }
  /// How many leading bits are equal.
  [[nodiscard]] unsigned common(Bits32 other) const {
    return static_cast<unsigned>(std::countl_zero(value ^ other.value));
  }
  [[nodiscard]] Bits32 masked(unsigned length) const {
    return {length == 0 ? 0 : value & (~std::uint32_t{0} << (32 - length))};
  }
};

/// An IPv6 address in the same way.
struct Bits128 {
  static constexpr unsigned width = 128;
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  [[nodiscard]] static Bits128 load(const std::uint8_t* wire) {
    return {load_be<std::uint64_t>(wire), load_be<std::uint64_t>(wire + 8)};
  }
  void store(std::uint8_t* wire) const {
    store_be(wire, high);
    store_be(wire + 8, low);
  }
  [[nodiscard]] bool bit(unsigned at) const { return ((at < 64 ? high >> (63 - at) : low >> (127 - at)) & 1) != 0; }
  [[nodiscard]] unsigned common(Bits128 other) const {
    const std::uint64_t difference = high ^ other.high;
    if (difference != 0) return static_cast<unsigned>(std::countl_zero(difference));
    return 64 + static_cast<unsigned>(std::countl_zero(low ^ other.low));
  }
  [[nodiscard]] Bits128 masked(unsigned length) const {
    constexpr std::uint64_t ones = ~std::uint64_t{0};
    if (length == 0) return {};
    if (length <= 64) return {high & (ones << (64 - length)), 0};
    return {high, low & (ones << (128 - length))};
  }
};

template <class Bits>
class PrefixTrie {
 public:
  PrefixTrie() : nodes_(1) {}

  /// Host bits do not matter. A prefix that another peer owns moves. length <= Bits::width, here and below.
  void insert(Bits address, unsigned length, PeerId peer);
  /// False when the prefix is not this peer's own.
  bool remove(Bits address, unsigned length, PeerId peer);
  void remove_all(PeerId peer);
  /// The owner of the longest prefix that holds `address`, or no_peer.
  [[nodiscard]] PeerId find(Bits address) const;

  /// Calls visit(Bits, unsigned length) for each prefix of the peer, oldest first.
  template <class Visit>
  void for_each(PeerId peer, Visit visit) const;
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Nodes in use, the root included: never more than 2 * size() + 1.
  [[nodiscard]] std::size_t node_count() const { return nodes_.size() - free_count_; }

 private:
  using Index = std::uint32_t;
  static constexpr Index root = 0;
  static constexpr Index none = 0;              // as a child
  static constexpr Index no_node = UINT32_MAX;  // in a list, where the root may stand, too

  struct Node {
    Bits prefix{};  // host bits zero
    std::array<Index, 2> child{none, none};
    PeerId peer = no_peer;  // or a place where branches part, which nobody owns
    Index next = no_node;   // in the owner's ring; of a free node: the next free one
    Index previous = no_node;
    std::uint8_t length = 0;
  };

  [[nodiscard]] static bool holds(const Node& node, Bits address) { return node.prefix.common(address) >= node.length; }
  Index attach(Index parent, Bits prefix, unsigned length);
  Index split(Index parent, Index below, unsigned length);
  void splice_out(Index parent, Index node);
  void own(Index node, PeerId peer);
  void disown(Index node);
  [[nodiscard]] Index allocate();
  void release(Index node);

  std::vector<Node> nodes_;
  std::vector<Index> oldest_;  // by PeerId: where its ring begins
  Index free_ = no_node;
  std::size_t free_count_ = 0;
  std::size_t size_ = 0;
};

template <class Bits>
PeerId PrefixTrie<Bits>::find(Bits address) const {
  PeerId found = no_peer;
  Index at = root;
  do {
    const Node& node = nodes_[at];
    if (!holds(node, address)) break;
    if (node.peer != no_peer) found = node.peer;
    if (node.length == Bits::width) break;
    at = node.child[address.bit(node.length)];
  } while (at != none);
  return found;
}

template <class Bits>
void PrefixTrie<Bits>::insert(Bits address, unsigned length, PeerId peer) {
  const Bits prefix = address.masked(length);
  Index at = root;
  while (nodes_[at].length < length) {
    const Index below = nodes_[at].child[prefix.bit(nodes_[at].length)];
    if (below == none) {
      at = attach(at, prefix, length);
      continue;
    }
    const unsigned shared = std::min(length, nodes_[below].prefix.common(prefix));
    at = shared < nodes_[below].length ? split(at, below, shared) : below;
  }
  own(at, peer);
}

template <class Bits>
bool PrefixTrie<Bits>::remove(Bits address, unsigned length, PeerId peer) {
  const Bits prefix = address.masked(length);
  Index grandparent = root;
  Index parent = root;
  Index at = root;
  while (nodes_[at].length < length) {
    grandparent = parent;
    parent = at;
    at = nodes_[at].child[prefix.bit(nodes_[at].length)];
    if (at == none || nodes_[at].length > length || !holds(nodes_[at], prefix)) return false;
  }
  if (nodes_[at].peer != peer) return false;
  disown(at);
  splice_out(parent, at);
  splice_out(grandparent, parent);  // its branches may no longer part
  if (size_ == 0) *this = PrefixTrie();
  return true;
}

template <class Bits>
void PrefixTrie<Bits>::remove_all(PeerId peer) {
  while (peer < oldest_.size() && oldest_[peer] != no_node) {
    const Node& node = nodes_[oldest_[peer]];
    remove(node.prefix, node.length, peer);
  }
}

template <class Bits>
template <class Visit>
void PrefixTrie<Bits>::for_each(PeerId peer, Visit visit) const {
  if (peer >= oldest_.size() || oldest_[peer] == no_node) return;
  Index at = oldest_[peer];
  do {
    visit(nodes_[at].prefix, unsigned{nodes_[at].length});
    at = nodes_[at].next;
  } while (at != oldest_[peer]);
}

/// A new node below `parent`, in place of whatever was there.
template <class Bits>
auto PrefixTrie<Bits>::attach(Index parent, Bits prefix, unsigned length) -> Index {
  const Index node = allocate();
  nodes_[node].prefix = prefix;
  nodes_[node].length = static_cast<std::uint8_t>(length);
  nodes_[parent].child[prefix.bit(nodes_[parent].length)] = node;
  return node;
}

/// A new node in the middle of the edge from `parent` to `below`.
template <class Bits>
auto PrefixTrie<Bits>::split(Index parent, Index below, unsigned length) -> Index {
  const Bits prefix = nodes_[below].prefix;
  const Index node = attach(parent, prefix.masked(length), length);
  nodes_[node].child[prefix.bit(length)] = below;
  return node;
}

/// Takes `node` out unless there is a reason for it.
template <class Bits>
void PrefixTrie<Bits>::splice_out(Index parent, Index node) {
  const auto [left, right] = nodes_[node].child;
  const bool branches_part = left != none && right != none;
  if (node == root || nodes_[node].peer != no_peer || branches_part) return;
  nodes_[parent].child[nodes_[node].prefix.bit(nodes_[parent].length)] = left != none ? left : right;
  release(node);
}

template <class Bits>
void PrefixTrie<Bits>::own(Index node, PeerId peer) {
  if (nodes_[node].peer != no_peer) disown(node);
  if (peer >= oldest_.size()) oldest_.resize(peer + std::size_t{1}, no_node);
  if (oldest_[peer] == no_node) {
    oldest_[peer] = nodes_[node].next = nodes_[node].previous = node;
  } else {
    const Index oldest = oldest_[peer];
    const Index newest = nodes_[oldest].previous;
    nodes_[node].next = oldest;
    nodes_[node].previous = newest;
    nodes_[newest].next = nodes_[oldest].previous = node;
  }
  nodes_[node].peer = peer;
  ++size_;
}

template <class Bits>
void PrefixTrie<Bits>::disown(Index node) {
  const Index next = nodes_[node].next;
  const Index previous = nodes_[node].previous;
  Index& oldest = oldest_[nodes_[node].peer];
  if (oldest == node) oldest = next == node ? no_node : next;
  nodes_[previous].next = next;
  nodes_[next].previous = previous;
  nodes_[node].peer = no_peer;
  --size_;
}

template <class Bits>
auto PrefixTrie<Bits>::allocate() -> Index {
  if (free_ == no_node) {
    nodes_.emplace_back();
    return static_cast<Index>(nodes_.size() - 1);
  }
  const Index node = free_;
  free_ = nodes_[node].next;
  --free_count_;
  nodes_[node] = Node{};
  return node;
}

template <class Bits>
void PrefixTrie<Bits>::release(Index node) {
  nodes_[node].next = free_;
  free_ = node;
  ++free_count_;
}

}  // namespace wg4
