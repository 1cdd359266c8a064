#pragma once
// Cryptokey routing (whitepaper 2): the destination of an outgoing packet selects its peer, and an incoming packet must
// come from the peer that owns its source. The longest prefix decides, so a peer may own a part of another peer's
// network.

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

/// Takes about 30 bytes per IPv4 and 45 per IPv6 prefix where prefixes are adjacent, 75 and 130 where they are
/// scattered at random. PeerIds are expected to be small numbers: memory grows with the highest.
class AllowedIps {
 public:
  /// Host bits do not matter. A prefix that another peer owns moves to this one.
  void insert(const Prefix& prefix, PeerId peer);
  /// False, and nothing changes, when the peer does not own exactly this prefix.
  bool remove(const Prefix& prefix, PeerId peer);
  void remove_all(PeerId peer);

  [[nodiscard]] std::optional<PeerId> find(const IpAddress& address) const;
  /// The same for the 4 bytes of an address in a packet; no_peer if nobody owns it.
  [[nodiscard]] PeerId find_v4(const std::uint8_t* address) const { return v4_.find(Bits32::load(address)); }
  /// The same for 16 bytes.
  [[nodiscard]] PeerId find_v6(const std::uint8_t* address) const { return v6_.find(Bits128::load(address)); }

  /// The peer's prefixes with host bits zero: IPv4 first, each family in the order of insertion. Leaves out the first
  /// `first` ones (at the cost of walking over them) and gives at most `most`.
  [[nodiscard]] std::vector<Prefix> entries(PeerId peer, std::size_t first = 0, std::size_t most = SIZE_MAX) const;
  /// Prefixes of all peers.
  [[nodiscard]] std::size_t size() const { return v4_.size() + v6_.size(); }
  /// Nodes of both tries: never more than 2 * size() + 2.
  [[nodiscard]] std::size_t node_count() const { return v4_.node_count() + v6_.node_count(); }

 private:
  PrefixTrie<Bits32> v4_;
  PrefixTrie<Bits128> v6_;
};

}  // namespace wg4
