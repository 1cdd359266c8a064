#pragma once
// X25519 (RFC 7748) by libsodium, with types that tell a scalar from a point.

#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/base/secret.h"

namespace wg4::crypto {

/// Sets the bits that RFC 7748 asks for.
void clamp(PrivateKey& key);
[[nodiscard]] PublicKey derive_public_key(const PrivateKey& key);
/// DH(private, public). False when the result is all zero, which is what a low-order point gives: whoever accepts it
/// lets anyone pose as the peer.
[[nodiscard]] bool diffie_hellman(const PrivateKey& mine, const PublicKey& theirs, Secret<32>& out);

}  // namespace wg4::crypto
