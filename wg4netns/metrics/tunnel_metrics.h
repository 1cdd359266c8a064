#pragma once
// What there is to tell of a tunnel, as values, and as metrics. The names of the first three families and their labels
// are those of prometheus_wireguard_exporter, so that its dashboards and alerts work here, too.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/keys.h"
#include "shared/net/prefix.h"
#include "wg4netns/core/batch_sizes.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/edge_drops.h"
#include "wg4netns/core/time.h"

namespace wg4::metrics {

/// Peers beyond these are counted, but have no series of their own: telling must not hold up the tunnel.
inline constexpr std::size_t max_listed_peers = 1024;
/// The label allowed_ips names no more of a peer's prefixes, and then says "...".
inline constexpr std::size_t max_listed_prefixes = 64;

/// What does not change while the tunnel serves.
struct Facts {
  struct Offload {
    std::string name;
    bool active = false;
  };

  std::string interface;
  std::string version;
  std::string cipher;  ///< the AEAD backend
  std::vector<Offload> offloads;
  std::size_t threads = 1;  ///< that move packets
  std::size_t mtu = 0;      ///< bytes
  WallTime start;
};

struct PeerSample {
  PublicKey public_key{};
  std::string friendly_name;          ///< may be empty
  std::vector<Prefix> allowed_ips{};  ///< at most max_listed_prefixes + 1
  std::optional<WallTime> last_handshake;
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
};

struct HandshakeSample {
  std::uint64_t completed = 0;
  std::uint64_t unanswered = 0;  ///< messages that were sent again
  std::uint64_t gave_up = 0;
};

struct ProcessSample {
  double cpu_seconds = 0;
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> virtual_bytes;
};

struct CaptureSample {
  std::uint64_t packets = 0;
  std::uint64_t dropped = 0;  ///< of these
};

struct Sample {
  std::vector<PeerSample> peers;
  std::size_t peer_count = 0;  ///< with those beyond max_listed_peers
  DropCounters drops;
  HandshakeSample handshakes;
  std::uint64_t roamed = 0;
  std::uint64_t expired_sessions = 0;
  EdgeDrops edges;
  BatchSizes sealed;
  BatchSizes opened;
  std::size_t queued_handshakes = 0;
  std::size_t staged_packets = 0;
  std::optional<CaptureSample> capture;
  ProcessSample process;
};

/// The whole text. Nothing in it is a secret, but it names the peers.
[[nodiscard]] std::string render(const Facts& facts, const Sample& sample);

}  // namespace wg4::metrics
