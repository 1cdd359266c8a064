#pragma once

#include "shared/base/keys.h"

namespace wg4 {

/// Hears of the private key and of the keys of each handshake, for who decrypts a capture. Nobody does, unless asked
/// to.
class KeyObserver {
 public:
  KeyObserver() = default;
  KeyObserver(const KeyObserver&) = delete;
  KeyObserver& operator=(const KeyObserver&) = delete;
  virtual ~KeyObserver() = default;

  /// The private key is this one from now on.
  virtual void identity_key(const PrivateKey& local_static) = 0;
  /// Before the message that begins or answers the handshake is handed over to be sent. The last two are secret;
  /// `ephemeral` is this side's.
  virtual void handshake_keys(const PublicKey& remote_static, const PrivateKey& ephemeral,
                              const PresharedKey& preshared) = 0;
};

}  // namespace wg4
