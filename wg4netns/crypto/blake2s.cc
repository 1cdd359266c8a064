// BLAKE2s by RFC 7693. The ten rounds are unrolled at compile time, so that constants select the message words:
// portable code gets no faster for one short message.

#include "wg4netns/crypto/blake2s.h"

#include <sodium/crypto_verify_16.h>
#include <sodium/utils.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <utility>

#include "shared/base/check.h"

namespace wg4::crypto {
namespace {

constexpr std::size_t block_size = 64;

// Bytes of stack in which a compression may leave words of its message, which may be a key: on machines with more
// registers than x86-64 it loads all words at once, and then spills some. A test enforces this.
#ifdef __x86_64__
constexpr std::size_t spilled = 0;
#else
constexpr std::size_t spilled = 1024;
#endif

using Words = std::array<std::uint32_t, 16>;

constexpr std::array<std::uint32_t, 8> iv = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                             0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// RFC 7693, 2.7
constexpr std::array<std::array<std::uint8_t, 16>, 10> sigma = {{
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
}};

[[gnu::always_inline]] inline void mix(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c, std::uint32_t& d,
                                       std::uint32_t x, std::uint32_t y) {
  a += b + x;
  d = std::rotr(d ^ a, 16);
  c += d;
  b = std::rotr(b ^ c, 12);
  a += b + y;
  d = std::rotr(d ^ a, 8);
  c += d;
  b = std::rotr(b ^ c, 7);
}

template <std::size_t R>
[[gnu::always_inline]] inline void round(Words& v, const Words& m) {
  constexpr auto& s = sigma[R];
  mix(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
  mix(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
  mix(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
  mix(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
  mix(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
  mix(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
  mix(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
  mix(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
}

template <std::size_t... R>
[[gnu::always_inline]] inline void all_rounds(Words& v, const Words& m, std::index_sequence<R...> /*numbers*/) {
  (round<R>(v, m), ...);
}

}  // namespace

Blake2s::Blake2s(std::size_t out_size, ByteView key) : out_size_(out_size) {
  CHECK(out_size >= 1 && out_size <= hash_size && key.size() <= 32);
  working_.state = iv;
  working_.state[0] ^= static_cast<std::uint32_t>(0x01010000U ^ (key.size() << 8) ^ out_size);
  if (key.empty()) return;
  // A key is a block of its own in front, filled up with zeros.
  working_.buffer.fill(0);
  copy_bytes(working_.buffer.data(), key);
  buffered_ = block_size;
}

Blake2s::~Blake2s() {
  sodium_memzero(&working_, sizeof(working_));
  if constexpr (spilled != 0) sodium_stackzero(spilled);
}

void Blake2s::compress(bool last) {
  auto& [state, words, buffer] = working_;
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = load_le<std::uint32_t>(&buffer[4 * i]);
  Words v;
  std::ranges::copy(state, v.begin());
  std::ranges::copy(iv, v.begin() + 8);
  v[12] ^= static_cast<std::uint32_t>(count_);
  v[13] ^= static_cast<std::uint32_t>(count_ >> 32);
  if (last) v[14] = ~v[14];
  all_rounds(v, words, std::make_index_sequence<10>());
  for (std::size_t i = 0; i < state.size(); ++i) state[i] ^= v[i] ^ v[i + 8];
}

void Blake2s::update(ByteView bytes) {
  // A full block stays in the buffer until more bytes follow, since the last block is compressed with a flag.
  while (!bytes.empty()) {
    if (buffered_ == block_size) {
      count_ += block_size;
      compress(false);
      buffered_ = 0;
    }
    const std::size_t taken = std::min(bytes.size(), block_size - buffered_);
    copy_bytes(working_.buffer.data() + buffered_, bytes.first(taken));
    buffered_ += taken;
    bytes = bytes.subspan(taken);
  }
}

void Blake2s::finish(ByteSpan out) {
  CHECK(out.size() == out_size_);
  count_ += buffered_;
  std::fill(working_.buffer.begin() + static_cast<std::ptrdiff_t>(buffered_), working_.buffer.end(), std::uint8_t{0});
  compress(true);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::uint8_t>(working_.state[i / 4] >> (8 * (i % 4)));
  }
}

Hash blake2s(ByteView a, ByteView b) {
  Hash out;
  Blake2s hash;
  hash.update(a);
  hash.update(b);
  hash.finish(out);
  return out;
}

Mac blake2s_mac(ByteView key, ByteView input) {
  Mac out;
  Blake2s hash(mac_size, key);
  hash.update(input);
  hash.finish(out);
  return out;
}

bool mac_equals(const Mac& computed, std::span<const std::uint8_t, mac_size> received) {
  return crypto_verify_16(computed.data(), received.data()) == 0;
}

void hmac_blake2s(ByteView key, ByteView input, std::span<std::uint8_t, hash_size> out) {
  Secret<block_size> pad;
  if (key.size() <= block_size) {
    copy_bytes(pad.data(), key);
  } else {
    Blake2s short_key;
    short_key.update(key);
    short_key.finish(pad.span().first<hash_size>());
  }
  for (std::uint8_t& byte : pad.span()) byte ^= 0x36;
  Secret<hash_size> inner_hash;
  Blake2s inner;
  inner.update(pad.span());
  inner.update(input);
  inner.finish(inner_hash.span());

  for (std::uint8_t& byte : pad.span()) byte ^= 0x36 ^ 0x5c;
  Blake2s outer;
  outer.update(pad.span());
  outer.update(inner_hash.span());
  outer.finish(out);
}

namespace {

/// One step of HKDF-Expand with an empty info: HMAC(prk, previous || number).
void expand(const Secret<32>& prk, ByteView previous, std::uint8_t number, Secret<32>& out) {
  Secret<33> input;
  copy_bytes(input.data(), previous);
  input.data()[previous.size()] = number;
  hmac_blake2s(prk.span(), ByteView(input.span()).first(previous.size() + 1), out.span());
}

}  // namespace

void kdf1(std::span<const std::uint8_t, 32> key, ByteView input, Secret<32>& out1) {
  Secret<32> prk;
  hmac_blake2s(key, input, prk.span());
  expand(prk, {}, 1, out1);
}

void kdf2(std::span<const std::uint8_t, 32> key, ByteView input, Secret<32>& out1, Secret<32>& out2) {
  Secret<32> prk;
  hmac_blake2s(key, input, prk.span());
  expand(prk, {}, 1, out1);
  expand(prk, out1.span(), 2, out2);
}

void kdf3(std::span<const std::uint8_t, 32> key, ByteView input, Secret<32>& out1, Secret<32>& out2, Secret<32>& out3) {
  Secret<32> prk;
  hmac_blake2s(key, input, prk.span());
  expand(prk, {}, 1, out1);
  expand(prk, out1.span(), 2, out2);
  expand(prk, out2.span(), 3, out3);
}

}  // namespace wg4::crypto
