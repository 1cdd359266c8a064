#pragma once
// Denial-of-service mitigation (whitepaper 5.3, 5.4.4, 5.4.7). Every handshake message ends in two macs. mac1 shows
// that the sender knows our public key: without it we stay silent. mac2 shows that the sender receives at the address
// that it sends from: under load, we spend Curve25519 only on a sender that has echoed our cookie in it. The cookie is
// a mac of the sender's address under a secret that changes every two minutes, so nothing is stored per sender.

#include <cstdint>
#include <optional>
#include <span>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "shared/base/secret.h"
#include "shared/net/endpoint.h"
#include "wg4netns/core/entropy.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/blake2s.h"

namespace wg4 {

using Cookie = Secret<crypto::mac_size>;

/// What both sides derive from the responder's public key.
struct CookieKeys {
  explicit CookieKeys(const PublicKey& responder);

  Secret<32> mac1;
  Secret<32> encryption;
};

/// The receiver's side. All messages are whole handshake messages: an initiation or a response.
class CookieChecker {
 public:
  /// From now on, checks messages to the owner of this key.
  void set_identity(const PublicKey& own) { keys_ = CookieKeys(own); }
  [[nodiscard]] bool check_mac1(ByteView message) const;
  [[nodiscard]] bool check_mac2(ByteView message, const Endpoint& from, Instant now, Entropy& entropy);
  /// Makes the cookie reply to a message without a valid mac2, whose sender is `to`.
  void make_reply(ByteView message, const Endpoint& to, Instant now, Entropy& entropy,
                  std::span<std::uint8_t, cookie_reply_size> reply);

 private:
  [[nodiscard]] Cookie cookie_for(const Endpoint& sender, Instant now, Entropy& entropy);

  CookieKeys keys_{PublicKey{}};  // of an all-zero key until there is an identity
  Secret<crypto::hash_size> secret_;
  std::optional<Instant> secret_made_;
};

/// The sender's side, one per peer, for initiations and responses.
class CookieJar {
 public:
  explicit CookieJar(const PublicKey& peer) : keys_(peer) {}

  /// Writes both macs, the last 32 bytes, of a handshake message that is otherwise complete.
  void add_macs(ByteSpan message, Instant now);
  /// Stores the cookie of a reply. False when the reply does not answer the last message sent, or is not the first
  /// answer.
  [[nodiscard]] bool consume_reply(ByteView reply, Instant now);

 private:
  CookieKeys keys_;
  std::optional<crypto::Mac> awaiting_reply_;  // mac1 of the last message sent
  Cookie cookie_;
  std::optional<Instant> cookie_received_;
};

}  // namespace wg4
