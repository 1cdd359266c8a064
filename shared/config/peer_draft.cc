#include "shared/config/peer_draft.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

namespace wg4 {
namespace {

/// The owner of each prefix while the sections are applied one by one. A peer is named by its index in the result.
class PrefixOwners {
 public:
  /// Removes all prefixes of `peer`, in constant time: its entries before now no longer count.
  void clear(std::size_t peer) {
    if (peer >= valid_from_.size()) valid_from_.resize(peer + 1, 0);
    valid_from_[peer] = next_order_;
  }

  /// Returns the peer that loses the prefix, if another peer had it.
  std::optional<std::size_t> add(std::size_t peer, const Prefix& prefix) {
    const auto [at, added] = owners_.try_emplace(prefix, Owner{peer, next_order_});
    if (added) return ++next_order_, std::nullopt;
    const Owner before = at->second;
    const bool valid = is_valid(before);
    if (valid && before.peer == peer) return std::nullopt;
    at->second = {peer, next_order_++};
    return valid ? std::optional(before.peer) : std::nullopt;
  }

  void remove(std::size_t peer, const Prefix& prefix) {
    const auto at = owners_.find(prefix);
    if (at != owners_.end() && at->second.peer == peer) owners_.erase(at);
  }

  /// Gives the prefixes to their peers, in the order in which they were added.
  void assign_to(std::vector<PeerConfig>& peers) const {
    std::vector<std::pair<Owner, Prefix>> settled;
    for (const auto& [prefix, owner] : owners_) {
      if (is_valid(owner)) settled.emplace_back(owner, prefix);
    }
    std::ranges::sort(settled, {}, [](const auto& entry) { return entry.first.order; });
    for (const auto& [owner, prefix] : settled) peers[owner.peer].allowed_ips.push_back(prefix);
  }

 private:
  struct Owner {
    std::size_t peer = 0;
    std::size_t order = 0;
  };

  [[nodiscard]] bool is_valid(const Owner& owner) const { return owner.order >= valid_from_[owner.peer]; }

  std::map<Prefix, Owner> owners_;
  std::vector<std::size_t> valid_from_;  // by peer: the order number from which on its entries count
  std::size_t next_order_ = 0;
};

/// A later section of a peer changes only what it names.
void apply_settings(PeerDraft& draft, PeerConfig& peer) {
  if (draft.preshared_key) peer.preshared_key = *std::move(draft.preshared_key);
  if (draft.endpoint) peer.endpoint = std::move(draft.endpoint);
  if (draft.persistent_keepalive_s) peer.persistent_keepalive_s = *draft.persistent_keepalive_s;
  if (!draft.friendly_name.empty()) peer.friendly_name = std::move(draft.friendly_name);
}

std::string move_warning(const AllowedIpEntry& entry, unsigned line_of_loser) {
  return "line " + std::to_string(entry.line) + ": AllowedIPs " + entry.prefix.to_string() +
         " moves here from the peer of line " + std::to_string(line_of_loser) +
         "; a prefix belongs to one peer, the last";
}

std::string merge_warning(const PeerDraft& draft, unsigned line_of_first) {
  return "line " + std::to_string(draft.line) + ": this [Peer] has the PublicKey of the one of line " +
         std::to_string(line_of_first) + ": both are one peer" +
         (draft.replaces_allowed_ips ? ", and its AllowedIPs are those of this section alone" : "");
}

}  // namespace

Result<std::vector<PeerConfig>> merge_peers(std::vector<PeerDraft> drafts, std::vector<std::string>& warnings) {
  std::vector<PeerConfig> peers;
  std::map<PublicKey, std::size_t> index_by_key;
  PrefixOwners owners;
  for (PeerDraft& draft : drafts) {
    if (!draft.public_key)
      return fail("line " + std::to_string(draft.line) + ": this [Peer] has no PublicKey", 0,
                  "Add the line 'PublicKey = ' with the key that the peer's wg pubkey prints");
    const auto [at, is_new] = index_by_key.try_emplace(*draft.public_key, peers.size());
    const std::size_t index = at->second;
    if (is_new) {
      PeerConfig& peer = peers.emplace_back();
      peer.public_key = *draft.public_key;
      peer.line = draft.line;
    } else {
      warnings.push_back(merge_warning(draft, peers[index].line));
    }
    apply_settings(draft, peers[index]);

    if (is_new || draft.replaces_allowed_ips) owners.clear(index);
    for (const AllowedIpEntry& entry : draft.allowed_ips) {
      if (entry.remove) {
        owners.remove(index, entry.prefix);
      } else if (const auto loser = owners.add(index, entry.prefix)) {
        warnings.push_back(move_warning(entry, peers[*loser].line));
      }
    }
  }
  owners.assign_to(peers);
  return peers;
}

}  // namespace wg4
