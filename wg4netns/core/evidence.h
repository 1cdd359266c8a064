#pragma once
// What handshakes and sessions leave behind to explain why there is no traffic. It is counted where it happens, and
// never for each packet of a session that works; diagnosis/finding.h draws the conclusions.

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

/// How often something happened, and when last.
struct Occurrences {
  std::uint32_t count = 0;
  Instant last{};

  void add(Instant now) {
    ++count;
    last = now;
  }
};

/// Do initiations with one key come from two endpoints in alternation? A peer that roams keeps its session, and a
/// single peer initiates every two minutes; two devices with the same key take the session from each other every few
/// seconds.
class EndpointFlapping {
 public:
  /// To be called for each accepted initiation. True when the endpoint has gone back and forth once more.
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

/// Evidence about one peer.
struct PeerEvidence {
  // as initiator, since the last session
  std::uint32_t initiations = 0;  ///< sent
  Occurrences bad_responses;      ///< to the last initiation: mac1 is valid, the tag is not
  Occurrences cookie_replies;     ///< authenticated
  // as initiator, ever
  std::optional<WallTime> initiation_sent;      ///< what our clock showed for the last initiation
  std::optional<WallTime> initiation_answered;  ///< ... for the last one that ended in a session
  // as responder
  std::uint32_t unconfirmed_responses = 0;  ///< sent in a row, without a session
  Occurrences stale_initiations;            ///< in a row: authentic, each newer than the one before, all too old
  std::optional<Duration> clock_ahead;      ///< how far the peer's clock was ahead of ours, at its last initiation
  EndpointFlapping initiators;
  // of sessions
  std::uint32_t silences = 0;         ///< in a row: data was sent and nothing at all came for 15 s
  Occurrences foreign_sessions;       ///< silences in which the endpoint sent data of a session that we do not have
  std::uint32_t bare_keepalives = 0;  ///< keepalives in answer to data, with no data since; stops at telling_keepalives
  bool data_came = false;             ///< ever

  static constexpr std::uint32_t telling_keepalives = 3;

  /// Another device with our key had the session. Earlier cases are forgotten after foreign_memory: they had another
  /// cause.
  void add_foreign_session(Instant now) {
    if (now - foreign_sessions.last > foreign_memory) foreign_sessions = {};
    foreign_sessions.add(now);
  }
  static constexpr Duration foreign_memory = std::chrono::seconds(120);

  /// To be called for a new session, endpoint or key: earlier evidence says nothing about the next attempt.
  void reset_attempts() {
    initiations = 0;
    bad_responses = {};
    cookie_replies = {};
    unconfirmed_responses = 0;
    stale_initiations = {};
  }
};

/// A well-formed datagram that matched no peer or session: the endpoint that sent it may be a misconfigured peer.
struct RejectedDatagram {
  enum class Kind : std::uint8_t {
    none,
    other_recipient,  ///< an initiation to another public key than ours
    unknown_key,      ///< an initiation to us, by a key that is no peer's
    foreign_session,  ///< data with an unknown receiver index
  };
  Kind kind = Kind::none;
  Endpoint from;
  Instant at{};
  PublicKey key{};  ///< of the initiator, for unknown_key
};

/// The latest of them, in a small hash table in which a newer one replaces an older one: all that a flood can do is to
/// make it forget.
class RecentRejections {
 public:
  void add(const RejectedDatagram& datagram) { slots_[slot_of(datagram.kind, datagram.from)] = datagram; }
  /// The latest one of that kind and sender, if it came after `since`; else null.
  [[nodiscard]] const RejectedDatagram* find(RejectedDatagram::Kind kind, const Endpoint& from, Instant since) const {
    const RejectedDatagram& found = slots_[slot_of(kind, from)];
    return found.kind == kind && found.from == from && found.at > since ? &found : nullptr;
  }

 private:
  static constexpr std::size_t slot_count = 64;
  static std::size_t slot_of(RejectedDatagram::Kind kind, const Endpoint& from) {
    const auto& address = from.address.bytes();
    std::size_t sum = static_cast<std::size_t>(kind) * 31 + from.port;
    for (const std::uint8_t byte : address) sum = sum * 31 + byte;
    return sum % slot_count;
  }
  std::array<RejectedDatagram, slot_count> slots_;
};

}  // namespace wg4
