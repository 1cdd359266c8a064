#pragma once

#include "shared/base/keys.h"

namespace wg4 {

/// Receives the private key and the keys of each handshake, for a capture that can be decrypted. There is no observer
/// unless the user asks for such a capture.
class KeyObserver {
 public:
  KeyObserver() = default;
  KeyObserver(const KeyObserver&) = delete;
  KeyObserver& operator=(const KeyObserver&) = delete;
  virtual ~KeyObserver() = default;

  /// The private key was set.
  virtual void identity_key(const PrivateKey& local_static) = 0;
  /// Called before the message that begins or answers the handshake is sent. The last two are secret; `ephemeral` is
  /// this side's.
  virtual void handshake_keys(const PublicKey& remote_static, const PrivateKey& ephemeral,
                              const PresharedKey& preshared) = 0;
};

}  // namespace wg4
