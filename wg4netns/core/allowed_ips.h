#pragma once
// Cryptokey routing (whitepaper 2): which peer a packet goes to by its destination, and which peer it may come from by
// its source. Always the longest prefix decides, so a peer may own a hole in another one's network.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "wg4netns/core/address_bits.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/prefix_trie.h"

namespace wg4 {

/// Takes about 30 bytes per IPv4 and 45 per IPv6 prefix where they stand side by side, 75 and 130 where they are
/// scattered at random. PeerIds are expected to be small numbers: memory grows with the highest.
class AllowedIps {
 public:
  /// Host bits do not matter. A prefix that another peer owns moves to this one.
  void insert(const Prefix& prefix, PeerId peer);
  /// False when this very prefix is not this peer's own; then nothing changes.
  bool remove(const Prefix& prefix, PeerId peer);
  void remove_all(PeerId peer);

  [[nodiscard]] std::optional<PeerId> find(const IpAddress& address) const;
  /// The same for bytes as they stand in a packet: 4 of them, or no_peer.
  [[nodiscard]] PeerId find_v4(const std::uint8_t* address) const { return v4_.find(Bits32::load(address)); }
  /// 16 of them.
  [[nodiscard]] PeerId find_v6(const std::uint8_t* address) const { return v6_.find(Bits128::load(address)); }

  /// The peer's prefixes with host bits zero: IPv4 first, each family in the order of insertion. Without the `first`
  /// ones, which are walked over all the same, and at most `most`.
  [[nodiscard]] std::vector<Prefix> entries(PeerId peer, std::size_t first = 0, std::size_t most = SIZE_MAX) const;
  /// Prefixes of all peers.
  [[nodiscard]] std::size_t size() const { return v4_.size() + v6_.size(); }
  /// What they take: never more than 2 * size() + 2.
  [[nodiscard]] std::size_t node_count() const { return v4_.node_count() + v6_.node_count(); }

 private:
  PrefixTrie<Bits32> v4_;
  PrefixTrie<Bits128> v6_;
};

}  // namespace wg4
