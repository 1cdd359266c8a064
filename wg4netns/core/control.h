#pragma once
// Control-plane values. A config file and the UAPI both make a DeviceChange; `show` and the UAPI print a DeviceStatus.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "shared/base/keys.h"
#include "shared/net/endpoint.h"
#include "shared/net/prefix.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"

namespace wg4 {

struct AllowedIpChange {
  Prefix prefix;        ///< host bits are masked
  bool remove = false;  ///< only this peer's own entry is removed; adding moves it from another peer
};

struct PeerChange {
  PublicKey public_key{};
  bool remove = false;
  bool update_only = false;                   ///< do nothing when there is no such peer
  std::optional<PresharedKey> preshared_key;  ///< zero clears
  std::optional<Endpoint> endpoint;
  std::optional<std::uint16_t> persistent_keepalive_s;  ///< 0 = off
  bool replace_allowed_ips = false;
  std::vector<AllowedIpChange> allowed_ips;
};

struct DeviceChange {
  std::optional<PrivateKey> private_key;  ///< zero clears
  std::optional<std::uint16_t> listen_port;
  std::optional<std::uint32_t> fwmark;
  bool replace_peers = false;
  std::vector<PeerChange> peers;  ///< applied in order
};

struct PeerStatus {
  PublicKey public_key{};
  PresharedKey preshared_key;
  std::optional<Endpoint> endpoint;
  std::optional<WallTime> last_handshake;
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
  std::uint16_t persistent_keepalive_s = 0;
  std::vector<Prefix> allowed_ips;
};

struct DeviceStatus {
  PrivateKey private_key;
  PublicKey public_key{};  ///< all zero without a private key
  std::vector<PeerStatus> peers;
};

/// A place in a walk over all peers and their allowed IPs: see Device::next_status().
struct StatusCursor {
  PeerId peer = 0;
  PublicKey public_key{};       ///< of that peer, if a part of it was returned: its id may be another peer's by now
  std::size_t allowed_ips = 0;  ///< of that peer, returned so far
};

/// A peer, or more allowed IPs of the peer that the piece before it began.
struct StatusPiece {
  PeerStatus peer;
  bool continued = false;
};

}  // namespace wg4
