#pragma once
// A peer that a test drives: a second, plain implementation of whitepaper 5.4 in which every value is accessible, so
// that a test can break any single rule and keep all others.

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "shared/base/secret.h"
#include "tests/support/packets.h"
#include "wg4netns/core/noise.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/blake2s.h"

namespace wg4::test {

class RawPeer {
 public:
  /// `seed` gives the static key.
  RawPeer(std::uint64_t seed, const PublicKey& remote_static);

  [[nodiscard]] const PublicKey& public_key() const { return static_public_; }

  // --- what a test may change before the next message
  PublicKey remote_static;
  PresharedKey preshared_key;
  std::optional<PublicKey> posed_static;                                  ///< sent in place of our own static key
  std::optional<PublicKey> posed_ephemeral;                               ///< sent in place of our own ephemeral key
  WallTime wall{std::chrono::sys_days{std::chrono::year{2025} / 1 / 1}};  ///< one second later at each initiation
  std::uint32_t index = 0x1000;                                           ///< our index, one more for each message
  std::optional<crypto::Mac> cookie;                                      ///< makes mac2

  // --- the handshake
  [[nodiscard]] Bytes initiation();
  /// Completes our handshake; false when the response does not answer our initiation.
  [[nodiscard]] bool finish(ByteView response);
  /// As responder; nothing when the initiation is not for us.
  [[nodiscard]] std::optional<Bytes> answer(ByteView initiation);
  /// Takes the cookie out of a reply to our last message, and sets `cookie`.
  [[nodiscard]] bool take_cookie(ByteView reply);

  // --- the session
  [[nodiscard]] Bytes seal(std::uint64_t counter, ByteView plaintext) const;
  [[nodiscard]] std::optional<Bytes> open(ByteView datagram) const;
  [[nodiscard]] std::uint32_t session_index() const { return session_remote_index_; }

 private:
  void start(const PublicKey& responder);
  void mix_hash(ByteView bytes) { hash_ = crypto::blake2s(hash_, bytes); }
  void mix_key(ByteView input);
  void mix_key_and(ByteView input, Secret<32>& key);
  void add_macs(Bytes& message);

  PrivateKey static_private_;
  PublicKey static_public_{};
  PrivateKey ephemeral_;
  Secret<32> chain_;
  crypto::Hash hash_{};
  crypto::Mac last_mac1_{};
  Secret<32> send_key_;
  Secret<32> receive_key_;
  std::uint32_t session_remote_index_ = 0;
};

/// All points whose order divides 8, in every encoding of 32 bytes: with them the DH result is zero for every other
/// key. (https://cr.yp.to/ecdh.html#validate)
[[nodiscard]] std::vector<PublicKey> low_order_points();

}  // namespace wg4::test
