#pragma once
// The AEADs of the handshake, one small message at a time, by libsodium.

#include <array>
#include <cstdint>
#include <span>

#include "shared/base/bytes.h"
#include "shared/base/secret.h"

namespace wg4::crypto {

/// ChaCha20-Poly1305 with nonce 0 (handshake fields, whitepaper 5.4.2): out = ciphertext || tag,
/// out.size() == plaintext.size() + 16.
void seal_once(const Secret<32>& key, ByteView plaintext, ByteView associated, ByteSpan out);
/// False when the tag is wrong. out.size() == sealed.size() - 16.
[[nodiscard]] bool open_once(const Secret<32>& key, ByteView sealed, ByteView associated, ByteSpan out);

/// XChaCha20-Poly1305 with a random nonce (cookie replies, whitepaper 5.4.7).
void xseal(const Secret<32>& key, std::span<const std::uint8_t, 24> nonce, ByteView plaintext, ByteView associated,
           ByteSpan out);
[[nodiscard]] bool xopen(const Secret<32>& key, std::span<const std::uint8_t, 24> nonce, ByteView sealed,
                         ByteView associated, ByteSpan out);

}  // namespace wg4::crypto
