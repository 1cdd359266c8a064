#pragma once
// Why there is no traffic with a peer, as far as it can be told: evidence in, a finding and a sentence out. WireGuard
// is silent by design, so most faults look alike; what is not known for sure is not claimed. Each sentence says what
// was seen, and then the next step.

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
  // it does not answer
  no_answer,
  unreachable,          ///< the network or this host says so
  wrong_preshared_key,  ///< it answers, and its answers do not authenticate
  under_load,           ///< it answers with cookies
  wrong_own_key,        ///< what comes from its endpoint is for another public key than ours
  wrong_peer_key,       ///< ... is of another public key than the peer's
  clock_behind,         ///< ours: it ignores initiations older than the last one
  // it calls, and there is no session
  answer_not_taken,
  peer_clock_behind,
  // there is a session
  key_in_use_elsewhere,  ///< ours
  peer_key_shared,       ///< two others have one key
  no_packets,            ///< handshakes work, nothing else comes
  no_data,               ///< keepalives come, data does not
};

/// All that a finding may follow from.
struct Evidence {
  PeerEvidence peer{};
  Instant now{};
  WallTime wall{};
  std::optional<WallTime> configured{};    ///< when the configuration was written
  std::optional<SendFailure> failure{};    ///< of the last two initiations
  bool other_recipient = false;            ///< Stranger::Kind, from the peer's endpoint, of the last minute
  std::optional<PublicKey> unknown_key{};  ///< likewise
  PublicKey own_key{};
  std::uint16_t own_port = 0;
};

/// From as many initiations without a session on, silence means something.
inline constexpr std::uint32_t telling_initiations = 3;
/// What came within two attempts counts as an answer to the last one.
inline constexpr Duration answer_memory = std::chrono::seconds(12);
/// For how long datagrams of strangers count.
inline constexpr Duration stranger_memory = std::chrono::seconds(60);

/// What the device knows; failures, and what is known of the configuration, are for the caller to add.
[[nodiscard]] Evidence gather(const Device& device, const Peer& peer, Now now);
[[nodiscard]] Finding find(const Evidence& evidence);
/// The peer does not answer our handshakes.
[[nodiscard]] inline bool is_silence(Finding finding) {
  return finding >= Finding::no_answer && finding <= Finding::clock_behind;
}
/// What was seen and what to do; empty for Finding::none.
[[nodiscard]] std::string sentence(Finding finding, const Evidence& evidence);
/// Both in one.
[[nodiscard]] inline std::string diagnosis(const Evidence& evidence) { return sentence(find(evidence), evidence); }
/// Stable names for --json and metrics: "no-answer".
[[nodiscard]] std::string_view name(Finding finding);

}  // namespace wg4
