#pragma once
// 512-bit vectors for kernel.h: 16 packets a group. For files that are compiled with -mavx512f -mavx512bw
// -mavx512vl.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "wg4netns/crypto/lanes/chacha.h"
#include "wg4netns/crypto/lanes/kernel.h"

// NOLINTBEGIN(modernize-avoid-c-arrays): std::array has functions that the linker could share
namespace wg4::crypto {
namespace {

struct Avx512 {
  using V = __m512i;
  static constexpr std::size_t lanes = 16;

  /// Clears all of the CPU's vector registers.
  static void clear_registers() {
    asm volatile(
        "vzeroall\n"
        ".irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n"
        "vpxorq %%xmm\\n, %%xmm\\n, %%xmm\\n\n"
        ".endr"
        :
        :
        : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
          "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23",
          "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
  }

  static V set32(std::uint32_t value) { return _mm512_set1_epi32(static_cast<int>(value)); }
  static V set64(std::uint64_t value) { return _mm512_set1_epi64(static_cast<long long>(value)); }
  static V load(const void* from) { return _mm512_load_si512(from); }
  static void store(void* to, V value) { _mm512_store_si512(to, value); }

  static V add32(V a, V b) { return _mm512_add_epi32(a, b); }
  static V exclusive_or(V a, V b) { return _mm512_xor_si512(a, b); }
  template <int bits>
  static V rotate_left(V a) {
    return _mm512_rol_epi32(a, bits);
  }

  static V add64(V a, V b) { return _mm512_add_epi64(a, b); }
  static V subtract64(V a, V b) { return _mm512_sub_epi64(a, b); }
  static V multiply32(V a, V b) { return _mm512_mul_epu32(a, b); }
  static V both(V a, V b) { return _mm512_and_si512(a, b); }
  static V either(V a, V b) { return _mm512_or_si512(a, b); }
  /// a where `mask` is all ones, b where it is zero
  static V select(V mask, V a, V b) { return _mm512_ternarylogic_epi64(mask, a, b, 0xca); }
  template <int bits>
  static V shift_left(V a) {
    return _mm512_slli_epi64(a, bits);
  }
  template <int bits>
  static V shift_right(V a) {
    return _mm512_srli_epi64(a, bits);
  }

  /// Lanes 0..7 or 8..15, 32 bits each, as 64-bit numbers.
  static V widen(V a, std::size_t half) {
    return _mm512_cvtepu32_epi64(half == 0 ? _mm512_castsi512_si256(a) : _mm512_extracti64x4_epi64(a, 1));
  }

  /// Transposes four vectors of four 128-bit pieces: out[k] = piece k of a, b, c and d.
  static void transpose_pieces(V a, V b, V c, V d, V& out0, V& out1, V& out2, V& out3) {
    const V ab_low = _mm512_shuffle_i32x4(a, b, 0x44);
    const V ab_high = _mm512_shuffle_i32x4(a, b, 0xee);
    const V cd_low = _mm512_shuffle_i32x4(c, d, 0x44);
    const V cd_high = _mm512_shuffle_i32x4(c, d, 0xee);
    out0 = _mm512_shuffle_i32x4(ab_low, cd_low, 0x88);
    out1 = _mm512_shuffle_i32x4(ab_low, cd_low, 0xdd);
    out2 = _mm512_shuffle_i32x4(ab_high, cd_high, 0x88);
    out3 = _mm512_shuffle_i32x4(ab_high, cd_high, 0xdd);
  }

  /// 16 words by lane -> 16 rows by packet.
  [[gnu::always_inline]] static void to_rows(const V* words, Row<Avx512>* rows) {
    V quad[16];  // quad[4 * g + q]: in piece k, words 4g..4g+3 of packet 4k + q
    for (std::size_t g = 0; g < 16; g += 4) {
      const V low01 = _mm512_unpacklo_epi32(words[g], words[g + 1]);
      const V high01 = _mm512_unpackhi_epi32(words[g], words[g + 1]);
      const V low23 = _mm512_unpacklo_epi32(words[g + 2], words[g + 3]);
      const V high23 = _mm512_unpackhi_epi32(words[g + 2], words[g + 3]);
      quad[g] = _mm512_unpacklo_epi64(low01, low23);
      quad[g + 1] = _mm512_unpackhi_epi64(low01, low23);
      quad[g + 2] = _mm512_unpacklo_epi64(high01, high23);
      quad[g + 3] = _mm512_unpackhi_epi64(high01, high23);
    }
    for (std::size_t q = 0; q < 4; ++q)
      transpose_pieces(quad[q], quad[4 + q], quad[8 + q], quad[12 + q], rows[q].part[0], rows[4 + q].part[0],
                       rows[8 + q].part[0], rows[12 + q].part[0]);
  }

  /// 8 rows by packet -> 8 words of 64 bits by lane.
  [[gnu::always_inline]] static void to_words(const Row<Avx512>* rows, V* words) {
    V even[4];
    V odd[4];
    for (std::size_t i = 0; i < 4; ++i) {
      even[i] = _mm512_unpacklo_epi64(rows[2 * i].part[0], rows[2 * i + 1].part[0]);
      odd[i] = _mm512_unpackhi_epi64(rows[2 * i].part[0], rows[2 * i + 1].part[0]);
    }
    transpose_pieces(even[0], even[1], even[2], even[3], words[0], words[2], words[4], words[6]);
    transpose_pieces(odd[0], odd[1], odd[2], odd[3], words[1], words[3], words[5], words[7]);
  }

  /// 8 blocks of 16 bytes -> their 64-bit words by lane; the lanes have the blocks i of either half by turns.
  [[gnu::always_inline]] static void load_blocks(const std::uint8_t* from, V& low, V& high) {
    const V first = _mm512_loadu_si512(from);
    const V second = _mm512_loadu_si512(from + sizeof(V));
    low = _mm512_unpacklo_epi64(first, second);
    high = _mm512_unpackhi_epi64(first, second);
  }

  static __mmask64 front(std::size_t bytes) { return bytes >= 64 ? ~__mmask64{0} : (__mmask64{1} << bytes) - 1; }
  static Row<Avx512> load_row(const std::uint8_t* from) { return {{_mm512_loadu_si512(from)}}; }
  static void store_row(std::uint8_t* to, const Row<Avx512>& row) { _mm512_storeu_si512(to, row.part[0]); }
  /// The first `bytes` bytes; zero behind.
  static Row<Avx512> load_row_front(const std::uint8_t* from, std::size_t bytes) {
    return {{_mm512_maskz_loadu_epi8(front(bytes), from)}};
  }
  static void store_row_front(std::uint8_t* to, const Row<Avx512>& row, std::size_t bytes) {
    _mm512_mask_storeu_epi8(to, front(bytes), row.part[0]);
  }
  static Row<Avx512> row_front(const Row<Avx512>& row, std::size_t bytes) {
    return {{_mm512_maskz_mov_epi8(front(bytes), row.part[0])}};
  }
};

}  // namespace
}  // namespace wg4::crypto
// NOLINTEND(modernize-avoid-c-arrays)
