#pragma once
// BLAKE2s (RFC 7693), HMAC and HKDF over it (whitepaper 5.4: HASH, MAC, HMAC, KDF1..3). Own code, because no library at
// hand has a fast BLAKE2s for short messages: a mac1 check is one short hash, and under a flood that is the whole cost.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "shared/base/bytes.h"
#include "shared/base/secret.h"

namespace wg4::crypto {

inline constexpr std::size_t hash_size = 32;
inline constexpr std::size_t mac_size = 16;
using Hash = std::array<std::uint8_t, hash_size>;
using Mac = std::array<std::uint8_t, mac_size>;

/// Incremental BLAKE2s with 1..32 bytes of output and an optional key of up to 32 bytes. Wiped when it dies.
class Blake2s {
 public:
  explicit Blake2s(std::size_t out_size = hash_size, ByteView key = {});
  Blake2s(const Blake2s&) = delete;
  Blake2s& operator=(const Blake2s&) = delete;
  ~Blake2s();

  void update(ByteView bytes);
  /// Writes out_size bytes. The object cannot be used afterwards.
  void finish(ByteSpan out);

 private:
  /// Everything that depends on input, in one place to be wiped.
  struct Working {
    std::array<std::uint32_t, 8> state;
    std::array<std::uint32_t, 16> words;  // the block that is compressed; not on the stack, where a key would remain
    std::array<std::uint8_t, 64> buffer;
  };
  void compress(bool last);

  Working working_;
  std::uint64_t count_ = 0;  // bytes compressed so far
  std::size_t buffered_ = 0;
  std::size_t out_size_;
};

/// HASH(a || b)
[[nodiscard]] Hash blake2s(ByteView a, ByteView b = {});
/// MAC(key, input): keyed BLAKE2s, 16 bytes out.
[[nodiscard]] Mac blake2s_mac(ByteView key, ByteView input);
/// Constant time.
[[nodiscard]] bool mac_equals(const Mac& computed, std::span<const std::uint8_t, mac_size> received);
/// HMAC-BLAKE2s, 32 bytes out.
void hmac_blake2s(ByteView key, ByteView input, std::span<std::uint8_t, hash_size> out);

/// KDFn of the whitepaper: HKDF with an empty info. Outputs may be where `key` or `input` is; they differ from each
/// other.
void kdf1(std::span<const std::uint8_t, 32> key, ByteView input, Secret<32>& out1);
void kdf2(std::span<const std::uint8_t, 32> key, ByteView input, Secret<32>& out1, Secret<32>& out2);
void kdf3(std::span<const std::uint8_t, 32> key, ByteView input, Secret<32>& out1, Secret<32>& out2, Secret<32>& out3);

}  // namespace wg4::crypto
