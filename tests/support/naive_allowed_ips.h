#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "wg4netns/core/peer_id.h"

namespace wg4::test {

/// AllowedIps implemented in the simplest way: a sorted list, and a look-up that tries every length.
class NaiveAllowedIps {
 public:
  void insert(const Prefix& prefix, PeerId peer) {
    const auto [at, added] = owners_.insert_or_assign(prefix.masked(), peer);
    if (added) ++of_length(prefix);
  }

  bool remove(const Prefix& prefix, PeerId peer) {
    const auto at = owners_.find(prefix.masked());
    if (at == owners_.end() || at->second != peer) return false;
    --of_length(prefix);
    owners_.erase(at);
    return true;
  }

  void remove_all(PeerId peer) {
    for (const Prefix& prefix : entries(peer)) remove(prefix, peer);
  }

  [[nodiscard]] PeerId find(const IpAddress& address) {
    for (int length = static_cast<int>(address.bits()); length >= 0; --length) {
      const Prefix prefix{address, static_cast<std::uint8_t>(length)};
      if (of_length(prefix) == 0) continue;
      if (const auto at = owners_.find(prefix.masked()); at != owners_.end()) return at->second;
    }
    return no_peer;
  }

  /// Sorted.
  [[nodiscard]] std::vector<Prefix> entries(PeerId peer) const {
    std::vector<Prefix> list;
    for (const auto& [prefix, owner] : owners_) {
      if (owner == peer) list.push_back(prefix);
    }
    return list;
  }
  [[nodiscard]] std::size_t size() const { return owners_.size(); }

 private:
  std::size_t& of_length(const Prefix& prefix) { return lengths_[prefix.address.is_v4() ? 0 : 1][prefix.length]; }

  std::map<Prefix, PeerId> owners_;
  std::array<std::array<std::size_t, 129>, 2> lengths_{};  // how many prefixes have each length
};

}  // namespace wg4::test
