#pragma once
// What handshakes and sessions leave behind for who wants to know why there is no traffic. It is counted where it
// happens, and never for each packet of a session that works; what it means is said by diagnosis/finding.h.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "shared/net/endpoint.h"
#include "wg4netns/core/time.h"

namespace wg4 {

/// How often, and when last.
struct Sightings {
  std::uint32_t count = 0;
  Instant last{};

  void add(Instant now) {
    ++count;
    last = now;
  }
};

/// Do initiations with one key come from two addresses in turn? A peer that roams goes on with its session, and one
/// that is alone initiates every two minutes; two that have the same key take it from each other every few seconds.
class EndpointTurns {
 public:
  /// An initiation was accepted. True when it is one turn more.
  bool add(const Endpoint& from, Instant now) {
    using namespace std::chrono_literals;
    const bool soon = now - std::exchange(last_at_, now) < 60s;
    if (!soon) count_ = 0;
    if (from == last_) return false;
    const bool back = from == before_;
    before_ = std::exchange(last_, from);
    count_ = back && soon ? count_ + 1 : 0;
    return count_ > 0;
  }
  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] Instant last_at() const { return last_at_; }
  [[nodiscard]] const Endpoint& last() const { return last_; }
  [[nodiscard]] const Endpoint& before() const { return before_; }

 private:
  Endpoint last_;
  Endpoint before_;
  Instant last_at_{};
  std::uint32_t count_ = 0;
};

/// Of one peer.
struct PeerEvidence {
  // as initiator, since the last session
  std::uint32_t initiations = 0;  ///< sent
  Sightings bad_responses;        ///< to the last initiation, with a good mac1, but the tag is wrong
  Sightings cookie_replies;       ///< authentic ones
  // as initiator, ever
  std::optional<WallTime> initiation_sent;      ///< what our clock showed for the last initiation
  std::optional<WallTime> initiation_answered;  ///< ... for the last one that ended in a session
  // as responder
  std::uint32_t unconfirmed_responses = 0;  ///< sent in a row, without a session
  Sightings stale_initiations;              ///< in a row: authentic, each younger than the one before, all too old
  std::optional<Duration> clock_ahead;      ///< of the peer, when it last initiated
  EndpointTurns initiators;
  // of sessions
  std::uint32_t silences = 0;         ///< in a row: data was sent and nothing at all came for 15 s
  Sightings foreign_sessions;         ///< silences in which the endpoint sent data of a session that is not ours
  std::uint32_t bare_keepalives = 0;  ///< that came after data was sent, until data came; stops at telling_keepalives
  bool data_came = false;             ///< ever

  static constexpr std::uint32_t telling_keepalives = 3;

  /// Somebody else had the session. What is long ago had another cause.
  void add_foreign_session(Instant now) {
    if (now - foreign_sessions.last > foreign_memory) foreign_sessions = {};
    foreign_sessions.add(now);
  }
  static constexpr Duration foreign_memory = std::chrono::seconds(120);

  /// A session, or another endpoint or key: what was seen before says nothing of the next attempt.
  void begin_anew() {
    initiations = 0;
    bad_responses = {};
    cookie_replies = {};
    unconfirmed_responses = 0;
    stale_initiations = {};
  }
};

/// A datagram that was dropped although it came from where a peer may be.
struct Stranger {
  enum class Kind : std::uint8_t {
    none,
    other_recipient,  ///< an initiation for another public key than ours
    unknown_key,      ///< an initiation for us with a key that no peer has
    foreign_session,  ///< data for an index that we do not have
  };
  Kind kind = Kind::none;
  Endpoint from;
  Instant at{};
  PublicKey key{};  ///< of unknown_key
};

/// The last of them. A few places, each taken by whoever came last: a flood makes it forget, and nothing else.
class Strangers {
 public:
  void add(const Stranger& stranger) { places_[place(stranger.kind, stranger.from)] = stranger; }
  /// Seen after `since`, from exactly there; null if not.
  [[nodiscard]] const Stranger* find(Stranger::Kind kind, const Endpoint& from, Instant since) const {
    const Stranger& found = places_[place(kind, from)];
    return found.kind == kind && found.from == from && found.at > since ? &found : nullptr;
  }

 private:
  static constexpr std::size_t place_count = 64;
  static std::size_t place(Stranger::Kind kind, const Endpoint& from) {
    const auto& address = from.address.bytes();
    std::size_t sum = static_cast<std::size_t>(kind) * 31 + from.port;
    for (const std::uint8_t byte : address) sum = sum * 31 + byte;
    return sum % place_count;
  }
  std::array<Stranger, place_count> places_;
};

}  // namespace wg4
