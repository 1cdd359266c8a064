#pragma once
// A [Peer] section while the file is read, and how all sections are merged into peers.

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

/// The settings of one [Peer] section, without those of earlier sections.
struct PeerDraft {
  unsigned line = 0;  ///< of the header
  std::optional<PublicKey> public_key;
  std::optional<PresharedKey> preshared_key;
  std::optional<PeerEndpoint> endpoint;
  std::optional<std::uint16_t> persistent_keepalive_s;
  std::vector<AllowedIpEntry> allowed_ips;
  bool replaces_allowed_ips = true;  ///< until an entry with "+" or "-" makes the section incremental
  std::string friendly_name;
};

/// Merges the sections into peers, in the order of their first sections. A prefix that several peers name belongs to
/// the last one, as in the kernel; `warnings` gets an entry for each such move, and for each section of a peer that has
/// an earlier one.
[[nodiscard]] Result<std::vector<PeerConfig>> merge_peers(std::vector<PeerDraft> drafts,
                                                          std::vector<std::string>& warnings);

}  // namespace wg4
