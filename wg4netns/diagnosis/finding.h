#pragma once
// Why there is no traffic with a peer, as far as that can be known: evidence in, a finding and a sentence out.
// WireGuard is silent by design, so most faults look alike; a finding claims only what is certain. Each sentence says
// what was observed, and then the next step.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/keys.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/evidence.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/time.h"
#include "wg4netns/io/send_failure.h"

namespace wg4 {

enum class Finding : std::uint8_t {
  none,
  // the peer does not answer our initiations
  no_answer,
  unreachable,          ///< the network or this host says so
  wrong_preshared_key,  ///< it answers, but its answers fail authentication
  under_load,           ///< it answers with cookie replies
  wrong_own_key,        ///< its endpoint sends initiations to another public key than ours
  wrong_peer_key,       ///< its endpoint sends initiations by another key than the peer's
  clock_behind,         ///< ours: the peer ignores initiations older than the last one
  // the peer initiates, and there is no session
  answer_not_taken,
  peer_clock_behind,
  // there is a session
  key_in_use_elsewhere,  ///< our key
  peer_key_shared,       ///< two devices have the peer's key
  no_packets,            ///< handshakes work, nothing else arrives
  no_data,               ///< keepalives arrive, data does not
};

/// Everything that a finding is drawn from.
struct Evidence {
  PeerEvidence peer{};
  Instant now{};
  WallTime wall{};
  std::optional<WallTime> configured{};    ///< modification time of the configuration file
  std::optional<SendFailure> failure{};    ///< for one of the last two initiations
  bool other_recipient = false;            ///< a RejectedDatagram from the peer's endpoint in the last minute
  std::optional<PublicKey> unknown_key{};  ///< the same, of this kind: its key
  PublicKey own_key{};
  std::uint16_t own_port = 0;
};

/// From this many initiations without a session on, silence is a finding.
inline constexpr std::uint32_t telling_initiations = 3;
/// An answer counts for the last initiation if it came within two attempts.
inline constexpr Duration answer_memory = std::chrono::seconds(12);
/// For how long a RejectedDatagram counts.
inline constexpr Duration rejection_memory = std::chrono::seconds(60);

/// The evidence that the device has; the caller adds failures, and what it knows about the configuration.
[[nodiscard]] Evidence gather(const Device& device, const Peer& peer, Now now);
[[nodiscard]] Finding find(const Evidence& evidence);
/// The peer does not answer our handshakes.
[[nodiscard]] inline bool is_silence(Finding finding) {
  return finding >= Finding::no_answer && finding <= Finding::clock_behind;
}
/// What was observed and what to do; empty for Finding::none.
[[nodiscard]] std::string sentence(Finding finding, const Evidence& evidence);
/// find() and sentence() in one.
[[nodiscard]] inline std::string diagnosis(const Evidence& evidence) { return sentence(find(evidence), evidence); }
/// Stable names for --json and metrics: "no-answer".
[[nodiscard]] std::string_view name(Finding finding);

}  // namespace wg4
