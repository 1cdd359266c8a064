#include "wg4netns/crypto/siphash.h"

#include <sodium/crypto_shorthash.h>

#include <array>

namespace wg4::crypto {

std::uint64_t siphash(const SipKey& key, ByteView input) {
  static_assert(crypto_shorthash_KEYBYTES == SipKey::size());
  std::array<std::uint8_t, crypto_shorthash_BYTES> out;
  crypto_shorthash(out.data(), input.data(), input.size(), key.data());
  return load_le<std::uint64_t>(out.data());
}

}  // namespace wg4::crypto
