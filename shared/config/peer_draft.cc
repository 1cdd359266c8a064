#include "shared/config/peer_draft.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

namespace wg4 {
namespace {

/// Who owns which prefix as the sections are applied one by one. Peers are named by their place in the result.
class Claims {
 public:
  /// Takes all that it has from `peer`, in constant time: older claims of its own are void from now on.
  void clear(std::size_t peer) {
    if (peer >= valid_from_.size()) valid_from_.resize(peer + 1, 0);
    valid_from_[peer] = next_order_;
  }

  /// Returns the peer that loses the prefix, if another one had it.
  std::optional<std::size_t> add(std::size_t peer, const Prefix& prefix) {
    const auto [at, added] = claims_.try_emplace(prefix, Claim{peer, next_order_});
    if (added) return ++next_order_, std::nullopt;
    const Claim before = at->second;
    const bool valid = is_valid(before);
    if (valid && before.peer == peer) return std::nullopt;
    at->second = {peer, next_order_++};
    return valid ? std::optional(before.peer) : std::nullopt;
  }

  void remove(std::size_t peer, const Prefix& prefix) {
    const auto at = claims_.find(prefix);
    if (at != claims_.end() && at->second.peer == peer) claims_.erase(at);
  }

  /// Hands out the prefixes in the order in which they were claimed.
  void settle(std::vector<PeerConfig>& peers) const {
    std::vector<std::pair<Claim, Prefix>> settled;
    for (const auto& [prefix, claim] : claims_) {
      if (is_valid(claim)) settled.emplace_back(claim, prefix);
    }
    std::ranges::sort(settled, {}, [](const auto& entry) { return entry.first.order; });
    for (const auto& [claim, prefix] : settled) peers[claim.peer].allowed_ips.push_back(prefix);
  }

 private:
  struct Claim {
    std::size_t peer = 0;
    std::size_t order = 0;
  };

  [[nodiscard]] bool is_valid(const Claim& claim) const { return claim.order >= valid_from_[claim.peer]; }

  std::map<Prefix, Claim> claims_;
  std::vector<std::size_t> valid_from_;  // by peer: the first order that counts
  std::size_t next_order_ = 0;
};

/// Later sections of a peer change only what they name.
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
  Claims claims;
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

    if (is_new || draft.replaces_allowed_ips) claims.clear(index);
    for (const AllowedIpEntry& entry : draft.allowed_ips) {
      if (entry.remove) {
        claims.remove(index, entry.prefix);
      } else if (const auto loser = claims.add(index, entry.prefix)) {
        warnings.push_back(move_warning(entry, peers[*loser].line));
      }
    }
  }
  claims.settle(peers);
  return peers;
}

}  // namespace wg4
