#pragma once
// A [Peer] section while it is read, and what many of them come to: which peer has which prefix in the end.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "shared/net/prefix.h"

namespace wg4 {

/// One entry of AllowedIPs, in the order of the file.
struct AllowedIpEntry {
  Prefix prefix;        ///< masked
  bool remove = false;  ///< written with "-"
  unsigned line = 0;
};

/// One [Peer] section: what it says, not what was there before.
struct PeerDraft {
  unsigned line = 0;  ///< of its header
  std::optional<PublicKey> public_key;
  std::optional<PresharedKey> preshared_key;
  std::optional<PeerEndpoint> endpoint;
  std::optional<std::uint16_t> persistent_keepalive_s;
  std::vector<AllowedIpEntry> allowed_ips;
  bool replaces_allowed_ips = true;  ///< until an entry with "+" or "-" makes the section incremental
  std::string friendly_name;
};

/// The peers that the sections make, in the order of their first sections. A prefix that several of them name belongs
/// to the last one, as in the kernel; `warnings` tells of each such move, and of each section whose peer
/// was there before.
[[nodiscard]] Result<std::vector<PeerConfig>> merge_peers(std::vector<PeerDraft> drafts,
                                                          std::vector<std::string>& warnings);

}  // namespace wg4
