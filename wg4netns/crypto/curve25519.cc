#include "wg4netns/crypto/curve25519.h"

#include <sodium/crypto_scalarmult_curve25519.h>

#include <cstdint>

#include "shared/base/secret.h"

namespace wg4::crypto {

void clamp(PrivateKey& key) {
  std::uint8_t* bytes = key.data();
  bytes[0] &= 0xf8;
  bytes[31] = static_cast<std::uint8_t>((bytes[31] & 0x7f) | 0x40);
}

PublicKey derive_public_key(const PrivateKey& key) {
  PublicKey point;
  crypto_scalarmult_curve25519_base(point.data(), key.data());
  return point;
}

bool diffie_hellman(const PrivateKey& mine, const PublicKey& theirs, Secret<32>& out) {
  // The library's implementations differ in what they leave in `out` when they refuse a point.
  const bool accepted = crypto_scalarmult_curve25519(out.data(), mine.data(), theirs.data()) == 0;
  if (!accepted) out.wipe();
  return accepted && !out.is_zero();
}

}  // namespace wg4::crypto
