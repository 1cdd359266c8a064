#pragma once
// Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (whitepaper 5.4): one Handshake per peer, as initiator or responder, whichever
// came last. It turns messages into a pair of transport keys and knows nothing of sockets or timers.

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "shared/base/secret.h"
#include "wg4netns/core/entropy.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/blake2s.h"

namespace wg4 {

using Timestamp = std::array<std::uint8_t, timestamp_size>;

/// TAI64N (whitepaper 5.1), rounded down to about 16 ms so that it tells little about the machine.
[[nodiscard]] Timestamp tai64n(WallTime wall);
/// The inverse; nothing for a time that is too late to be meant (after 2242).
[[nodiscard]] std::optional<WallTime> wall_time(const Timestamp& stamp);

/// Our static key pair.
struct StaticIdentity {
  PrivateKey private_key;
  PublicKey public_key{};
  bool present = false;

  StaticIdentity() = default;
  explicit StaticIdentity(PrivateKey key);
};

/// The running state of a handshake: C_i and H_i of the whitepaper.
struct NoiseState {
  Secret<32> chaining_key;
  crypto::Hash hash{};

  void mix_hash(ByteView bytes);
  void wipe();
};

/// An initiation whose static key has been decrypted, before we know whether it is a peer's.
struct OpenedInitiation {
  NoiseState state;
  PublicKey remote_static{};
};

/// Decrypts the static key of an initiation. Nothing when the initiation was not made for our key.
[[nodiscard]] std::optional<OpenedInitiation> open_initiation(const StaticIdentity& self, InitiationView message);

/// The keys that a finished handshake yields, for this side.
struct TransportKeys {
  Secret<32> send;
  Secret<32> receive;
  bool initiator = false;
  std::uint32_t local_index = 0;
  std::uint32_t remote_index = 0;
};

class Handshake {
 public:
  enum class State : std::uint8_t {
    none,
    created_initiation,
    consumed_initiation,
    created_response,
    consumed_response
  };
  enum class Verdict : std::uint8_t {
    accepted,
    rejected,
    replayed,
    stale,  ///< like replayed, but newer than every stale one before
    flood
  };

  explicit Handshake(const PublicKey& remote_static) : remote_static_(remote_static) {}

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const PublicKey& remote_static() const { return remote_static_; }
  /// Of the last initiation that was accepted from this peer.
  [[nodiscard]] const Timestamp& latest_timestamp() const { return latest_timestamp_; }
  [[nodiscard]] const PresharedKey& preshared_key() const { return preshared_key_; }
  /// Takes effect at the next handshake.
  void set_preshared_key(PresharedKey key) { preshared_key_ = std::move(key); }
  /// To be called when our identity changes: drops what was computed with the old one.
  void forget_identity();
  /// Drops a handshake in progress and its secrets.
  void clear();

  /// Our ephemeral key of the handshake in progress; only for a KeyObserver.
  [[nodiscard]] const PrivateKey& ephemeral() const { return ephemeral_; }
  /// Our index in the handshake in progress.
  [[nodiscard]] std::optional<std::uint32_t> local_index() const { return local_index_; }

  /// Writes all of an initiation but the macs. False when the peer's key is a low-order point.
  [[nodiscard]] bool create_initiation(const StaticIdentity& self, std::uint32_t local_index, WallTime wall,
                                       Entropy& entropy, InitiationSpan message);
  /// The second half of an initiation from this peer: checks that it is authentic, not a replay, and not one too many.
  [[nodiscard]] Verdict consume_initiation(const StaticIdentity& self, const OpenedInitiation& opened,
                                           InitiationView message, Instant now);
  /// Writes all of a response but the macs. False when the initiation's ephemeral was a low-order point.
  [[nodiscard]] bool create_response(std::uint32_t local_index, Entropy& entropy, ResponseSpan message);
  [[nodiscard]] bool consume_response(const StaticIdentity& self, ResponseView message);

  /// Ends the handshake in its transport keys (whitepaper 5.4.5); the index moves over to them.
  [[nodiscard]] std::optional<TransportKeys> begin_session();

 private:
  [[nodiscard]] bool mix_static_static(const StaticIdentity& self, NoiseState& state, Secret<32>* key);

  State state_ = State::none;
  bool static_static_known_ = false;
  std::optional<std::uint32_t> local_index_;
  std::uint32_t remote_index_ = 0;
  PublicKey remote_static_;
  PublicKey remote_ephemeral_{};
  PrivateKey ephemeral_;
  PresharedKey preshared_key_;
  Secret<32> static_static_;  // DH of the two static keys, by far the most expensive part of an initiation
  NoiseState noise_;
  Timestamp latest_timestamp_{};
  Timestamp latest_stale_{};  // newest stale one since then
  std::optional<Instant> latest_initiation_;
};

}  // namespace wg4
