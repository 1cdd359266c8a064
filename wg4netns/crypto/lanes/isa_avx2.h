#pragma once
// 256-bit vectors for kernel.h: 8 packets a group. For files that are compiled with -mavx2.

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "wg4netns/crypto/lanes/chacha.h"
#include "wg4netns/crypto/lanes/kernel.h"

// NOLINTBEGIN(modernize-avoid-c-arrays): std::array has functions that the linker could share
namespace wg4::crypto {
namespace {

struct Avx2 {
  using V = __m256i;
  static constexpr std::size_t lanes = 8;

  /// Clears all of the CPU's vector registers.
  static void clear_registers() {
    asm volatile("vzeroall"
                 :
                 :
                 : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                   "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  }

  static V set32(std::uint32_t value) { return _mm256_set1_epi32(static_cast<int>(value)); }
  static V set64(std::uint64_t value) { return _mm256_set1_epi64x(static_cast<long long>(value)); }
  static V load(const void* from) { return _mm256_load_si256(static_cast<const V*>(from)); }
  static void store(void* to, V value) { _mm256_store_si256(static_cast<V*>(to), value); }

  static V add32(V a, V b) { return _mm256_add_epi32(a, b); }
  static V exclusive_or(V a, V b) { return _mm256_xor_si256(a, b); }
  template <int bits>
  static V rotate_left(V a) {
    if constexpr (bits == 16) return _mm256_shuffle_epi8(a, byte_rotation(2));
    if constexpr (bits == 8) return _mm256_shuffle_epi8(a, byte_rotation(1));
    return _mm256_or_si256(_mm256_slli_epi32(a, bits), _mm256_srli_epi32(a, 32 - bits));
  }

  static V add64(V a, V b) { return _mm256_add_epi64(a, b); }
  static V subtract64(V a, V b) { return _mm256_sub_epi64(a, b); }
  static V multiply32(V a, V b) { return _mm256_mul_epu32(a, b); }
  static V both(V a, V b) { return _mm256_and_si256(a, b); }
  static V either(V a, V b) { return _mm256_or_si256(a, b); }
  /// a where `mask` is all ones, b where it is zero
  static V select(V mask, V a, V b) { return _mm256_blendv_epi8(b, a, mask); }
  template <int bits>
  static V shift_left(V a) {
    return _mm256_slli_epi64(a, bits);
  }
  template <int bits>
  static V shift_right(V a) {
    return _mm256_srli_epi64(a, bits);
  }

  /// Lanes 0..3 or 4..7, 32 bits each, as 64-bit numbers.
  static V widen(V a, std::size_t half) {
    return _mm256_cvtepu32_epi64(half == 0 ? _mm256_castsi256_si128(a) : _mm256_extracti128_si256(a, 1));
  }

  /// 16 words by lane -> 8 rows by packet, each of two parts.
  [[gnu::always_inline]] static void to_rows(const V* words, Row<Avx2>* rows) {
    for (std::size_t part = 0; part < 2; ++part) {
      const V* w = words + 8 * part;
      V quad[8];  // quad[4 * g + q]: in half k, words 4g..4g+3 of packet 4k + q
      for (std::size_t g = 0; g < 8; g += 4) {
        const V low01 = _mm256_unpacklo_epi32(w[g], w[g + 1]);
        const V high01 = _mm256_unpackhi_epi32(w[g], w[g + 1]);
        const V low23 = _mm256_unpacklo_epi32(w[g + 2], w[g + 3]);
        const V high23 = _mm256_unpackhi_epi32(w[g + 2], w[g + 3]);
        quad[g] = _mm256_unpacklo_epi64(low01, low23);
        quad[g + 1] = _mm256_unpackhi_epi64(low01, low23);
        quad[g + 2] = _mm256_unpacklo_epi64(high01, high23);
        quad[g + 3] = _mm256_unpackhi_epi64(high01, high23);
      }
      for (std::size_t q = 0; q < 4; ++q) {
        rows[q].part[part] = _mm256_permute2x128_si256(quad[q], quad[4 + q], 0x20);
        rows[4 + q].part[part] = _mm256_permute2x128_si256(quad[q], quad[4 + q], 0x31);
      }
    }
  }

  /// 4 rows by packet -> 8 words of 64 bits by lane.
  [[gnu::always_inline]] static void to_words(const Row<Avx2>* rows, V* words) {
    for (std::size_t part = 0; part < 2; ++part) {
      const V even01 = _mm256_unpacklo_epi64(rows[0].part[part], rows[1].part[part]);
      const V odd01 = _mm256_unpackhi_epi64(rows[0].part[part], rows[1].part[part]);
      const V even23 = _mm256_unpacklo_epi64(rows[2].part[part], rows[3].part[part]);
      const V odd23 = _mm256_unpackhi_epi64(rows[2].part[part], rows[3].part[part]);
      words[4 * part] = _mm256_permute2x128_si256(even01, even23, 0x20);
      words[4 * part + 1] = _mm256_permute2x128_si256(odd01, odd23, 0x20);
      words[4 * part + 2] = _mm256_permute2x128_si256(even01, even23, 0x31);
      words[4 * part + 3] = _mm256_permute2x128_si256(odd01, odd23, 0x31);
    }
  }

  /// 4 blocks of 16 bytes -> their 64-bit words by lane; the lanes have the blocks i of either half by turns.
  [[gnu::always_inline]] static void load_blocks(const std::uint8_t* from, V& low, V& high) {
    const V first = _mm256_loadu_si256(reinterpret_cast<const V*>(from));
    const V second = _mm256_loadu_si256(reinterpret_cast<const V*>(from + sizeof(V)));
    low = _mm256_unpacklo_epi64(first, second);
    high = _mm256_unpackhi_epi64(first, second);
  }

  static Row<Avx2> load_row(const std::uint8_t* from) {
    return {{_mm256_loadu_si256(reinterpret_cast<const V*>(from)),
             _mm256_loadu_si256(reinterpret_cast<const V*>(from + sizeof(V)))}};
  }
  static void store_row(std::uint8_t* to, const Row<Avx2>& row) {
    _mm256_storeu_si256(reinterpret_cast<V*>(to), row.part[0]);
    _mm256_storeu_si256(reinterpret_cast<V*>(to + sizeof(V)), row.part[1]);
  }
  /// The first `bytes` bytes; zero behind.
  static Row<Avx2> load_row_front(const std::uint8_t* from, std::size_t bytes) {
    std::uint8_t buffer[block_size] = {};
    if (bytes > 0) std::memcpy(buffer, from, bytes);
    return load_row(buffer);
  }
  static void store_row_front(std::uint8_t* to, const Row<Avx2>& row, std::size_t bytes) {
    std::uint8_t buffer[block_size];
    store_row(buffer, row);
    if (bytes > 0) std::memcpy(to, buffer, bytes);
  }
  static Row<Avx2> row_front(const Row<Avx2>& row, std::size_t bytes) {
    std::uint8_t buffer[block_size];
    store_row(buffer, row);
    std::memset(buffer + bytes, 0, block_size - bytes);
    return load_row(buffer);
  }

 private:
  /// Shuffle control that rotates each 32-bit lane left by whole bytes.
  static V byte_rotation(int bytes) {
    return bytes == 2 ? _mm256_set_epi8(13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2, 13, 12, 15, 14, 9, 8, 11,
                                        10, 5, 4, 7, 6, 1, 0, 3, 2)
                      : _mm256_set_epi8(14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3, 14, 13, 12, 15, 10, 9, 8,
                                        11, 6, 5, 4, 7, 2, 1, 0, 3);
  }
};

}  // namespace
}  // namespace wg4::crypto
// NOLINTEND(modernize-avoid-c-arrays)
