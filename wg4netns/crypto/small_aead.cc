#include "wg4netns/crypto/small_aead.h"

#include <sodium/crypto_aead_chacha20poly1305.h>
#include <sodium/crypto_aead_xchacha20poly1305.h>

#include <cstddef>

#include "shared/base/check.h"

namespace wg4::crypto {
namespace {

constexpr std::size_t tag_size = crypto_aead_chacha20poly1305_ietf_ABYTES;
constexpr std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> zero_nonce{};

}  // namespace

void seal_once(const Secret<32>& key, ByteView plaintext, ByteView associated, ByteSpan out) {
  CHECK(out.size() == plaintext.size() + tag_size);
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plaintext.data(), plaintext.size(), associated.data(),
                                            associated.size(), nullptr, zero_nonce.data(), key.data());
}

bool open_once(const Secret<32>& key, ByteView sealed, ByteView associated, ByteSpan out) {
  CHECK(sealed.size() == out.size() + tag_size);
  return crypto_aead_chacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, sealed.data(), sealed.size(),
                                                   associated.data(), associated.size(), zero_nonce.data(),
                                                   key.data()) == 0;
}

void xseal(const Secret<32>& key, std::span<const std::uint8_t, 24> nonce, ByteView plaintext, ByteView associated,
           ByteSpan out) {
  CHECK(out.size() == plaintext.size() + tag_size);
  crypto_aead_xchacha20poly1305_ietf_encrypt(out.data(), nullptr, plaintext.data(), plaintext.size(), associated.data(),
                                             associated.size(), nullptr, nonce.data(), key.data());
}

bool xopen(const Secret<32>& key, std::span<const std::uint8_t, 24> nonce, ByteView sealed, ByteView associated,
           ByteSpan out) {
  CHECK(sealed.size() == out.size() + tag_size);
  return crypto_aead_xchacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, sealed.data(), sealed.size(),
                                                    associated.data(), associated.size(), nonce.data(),
                                                    key.data()) == 0;
}

}  // namespace wg4::crypto
