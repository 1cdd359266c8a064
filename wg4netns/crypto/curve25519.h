#pragma once
// X25519 (RFC 7748) by libsodium, with different types for scalars and points.

#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/base/secret.h"

namespace wg4::crypto {

/// Sets the bits that RFC 7748 asks for.
void clamp(PrivateKey& key);
[[nodiscard]] PublicKey derive_public_key(const PrivateKey& key);
/// DH(private, public). False when the result is all zero, as for a low-order point: if that were accepted, anybody
/// could pose as the peer.
[[nodiscard]] bool diffie_hellman(const PrivateKey& mine, const PublicKey& theirs, Secret<32>& out);

}  // namespace wg4::crypto
