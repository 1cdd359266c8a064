#pragma once
// ChaCha20-Poly1305 (RFC 8439) for transport data, always in batches: one key, many packets.
// Keys and counters are data, so a batch may run on any thread. WireGuard's nonce is 4 zero bytes, then the
// counter as 8 bytes little-endian (whitepaper 5.4.6).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "shared/base/bytes.h"
#include "shared/base/secret.h"

namespace wg4::crypto {

inline constexpr std::size_t aead_tag_size = 16;
using AeadKey = Secret<32>;

/// The bytes of one packet before sealing, in two pieces: a segment's own headers, and its payload, which is still in
/// the read buffer.
struct Plaintext {
  ByteView head;  ///< its size is a multiple of 64 (one ChaCha20 block) unless `body` is empty
  ByteView body;

  [[nodiscard]] std::size_t size() const { return head.size() + body.size(); }
};

/// Seals head || body || `padding` zero bytes to `out`, followed by the tag. `out` may be exactly where the plaintext
/// is, else it must not overlap with anything.
struct SealJob {
  Plaintext plaintext;
  std::size_t padding = 0;  ///< 0..15
  std::uint8_t* out = nullptr;
  std::uint64_t counter = 0;
};

/// Opens `data` (ciphertext || tag) in place; the plaintext is then data[0 .. size - 16).
struct OpenJob {
  ByteSpan data;  ///< at least aead_tag_size bytes
  std::uint64_t counter = 0;
  bool authentic = false;  ///< result; when false, the plaintext has been zeroed
};

/// One implementation of the cipher. Not shared between threads.
class Aead {
 public:
  Aead() = default;
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;
  virtual ~Aead() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  virtual void seal_batch(const AeadKey& key, std::span<const SealJob> jobs) = 0;
  virtual void open_batch(const AeadKey& key, std::span<OpenJob> jobs) = 0;
  /// Wipes everything of a key that the backend still holds after its last batch.
  virtual void forget_keys() = 0;
};

/// OpenSSL EVP: the portable bulk backend. Null when the library refuses the cipher (FIPS-only builds).
[[nodiscard]] std::unique_ptr<Aead> make_openssl_aead();
/// intel-ipsec-mb, loaded at the first call. Only in builds for x86-64 that found its header (WG4_IPSEC_MB). Null where
/// it is not installed, has another version than the header, or refuses the CPU.
[[nodiscard]] std::unique_ptr<Aead> make_ipsec_mb_aead();
/// Whether the library is installed, and the CPU has what it needs.
[[nodiscard]] bool has_ipsec_mb();
/// libsodium: always available; slow; the reference for every other backend.
[[nodiscard]] std::unique_ptr<Aead> make_sodium_aead();

}  // namespace wg4::crypto
