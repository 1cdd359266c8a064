#pragma once
// The metrics of a tunnel, as values and as text. The names of the first three families and their labels are those of
// prometheus_wireguard_exporter, so that its dashboards and alerts also work here.

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

/// More peers than this are counted, but have no time series of their own: making the text must not delay the tunnel.
inline constexpr std::size_t max_listed_peers = 1024;
/// The label allowed_ips has at most this many prefixes, and then "...".
inline constexpr std::size_t max_listed_prefixes = 64;

/// Facts that do not change while the tunnel runs.
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
  std::uint64_t unanswered = 0;  ///< handshake messages that were sent again
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
  std::size_t peer_count = 0;  ///< including those beyond max_listed_peers
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

/// The whole text. It has no secrets, but it names the peers.
[[nodiscard]] std::string render(const Facts& facts, const Sample& sample);

}  // namespace wg4::metrics
