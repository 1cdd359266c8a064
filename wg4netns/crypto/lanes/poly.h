#pragma once
// Poly1305 (RFC 8439 2.5) with one packet per 64-bit lane: Horner's rule modulo p = 2^130 - 5, h := (h + block) * r,
// for as many packets at once as a vector has lanes.
//
// A number of 130 bits is a few limbs, one vector each. The part above 2^130 is multiplied by 5 and added at the
// bottom, because 2^130 = 5 (mod p). Limbs are carried only so far that the next product fits; finish() makes the
// number unique.
//
//   Poly26  5 limbs of 26 bits, for CPUs that multiply 32 by 32 bits
//   Poly44  3 limbs of 44, 44 and 42 bits, for CPUs that multiply 52 by 52 bits and add either half of the product
//
// Constant time: no branch and no address depends on a number in here.
//
// Included by files that are compiled for CPUs that this may not be: the rules of kernel.h apply.

#include <cstddef>
#include <cstdint>

// NOLINTBEGIN(modernize-avoid-c-arrays): std::array has functions that the linker could share
namespace wg4::crypto {
namespace {

/// The accumulator h, and the operations that every radix has. The top limb has the remaining bits of the 130.
template <class Isa, std::size_t limbs_, int bits>
struct PolyNumber {
  using V = typename Isa::V;
  static constexpr std::size_t limbs = limbs_;
  static constexpr std::size_t top = limbs - 1;
  static constexpr int top_bits = 130 - bits * static_cast<int>(top);

  V h[limbs];
  V pad[4];  // the second half of the one-time key, 32 bits a lane

  /// `key` is the first half of key stream block 0, words by lane; `half` says which half of the 32-bit lanes to use.
  /// Gives the multiplier r, clamped, as 64-bit words.
  void begin(const V* key, std::size_t half, V& r_low, V& r_high) {
    V w[8];
    for (std::size_t i = 0; i < 8; ++i) w[i] = Isa::widen(key[i], half);
    w[0] = Isa::both(w[0], Isa::set64(0x0fffffff));
    for (int i = 1; i < 4; ++i) w[i] = Isa::both(w[i], Isa::set64(0x0ffffffc));
    r_low = Isa::either(w[0], Isa::template shift_left<32>(w[1]));
    r_high = Isa::either(w[2], Isa::template shift_left<32>(w[3]));
    for (std::size_t i = 0; i < limbs; ++i) h[i] = Isa::set64(0);
    for (std::size_t i = 0; i < 4; ++i) pad[i] = w[4 + i];
  }

  /// tag = (h mod p + pad) mod 2^128, given as the 64-bit words of h; 4 words of 32 bits a lane.
  void add_pad(V low, V high, V* tag) const {
    const V word_mask = Isa::set64(0xffffffff);
    const V word[4] = {Isa::both(low, word_mask), Isa::template shift_right<32>(low), Isa::both(high, word_mask),
                       Isa::template shift_right<32>(high)};
    V carry = Isa::set64(0);
    for (std::size_t i = 0; i < 4; ++i) {
      const V sum = Isa::add64(Isa::add64(word[i], pad[i]), carry);
      tag[i] = Isa::both(sum, word_mask);
      carry = Isa::template shift_right<32>(sum);
    }
  }

  /// h := h mod p, for limbs that exceed their bits by little.
  void reduce() {
    // Before, h exceeds 2^130 by little. The first pass may leave 5 too much in the bottom limb, but then the others
    // are nearly zero, and the second pass completes the reduction.
    for (int pass = 0; pass < 2; ++pass) {
      const V carry = carry_up(h);
      h[0] = Isa::add64(h[0], times5(carry));
    }
    V g[limbs];  // h + 5: reaches 2^130 exactly when h >= p, and is h - p then
    for (std::size_t i = 0; i < limbs; ++i) g[i] = h[i];
    g[0] = Isa::add64(g[0], Isa::set64(5));
    const V take_g = Isa::subtract64(Isa::set64(0), carry_up(g));
    for (std::size_t i = 0; i < limbs; ++i) h[i] = Isa::select(take_g, g[i], h[i]);
  }

  /// Carries until each limb has only its bits; returns the overflow above 2^130.
  static V carry_up(V* limb) {
    V carry = Isa::set64(0);
    for (std::size_t i = 0; i < limbs; ++i) {
      const V sum = Isa::add64(limb[i], carry);
      carry = Isa::template shift_right<bits>(sum);
      if (i == top) carry = Isa::template shift_right<top_bits>(sum);
      limb[i] = Isa::both(sum, mask(i));
    }
    return carry;
  }

  static V times5(V a) { return Isa::add64(a, Isa::template shift_left<2>(a)); }
  static V mask(std::size_t limb) { return Isa::set64((std::uint64_t{1} << (limb < top ? bits : top_bits)) - 1); }
};

template <class Isa>
class Poly26 : PolyNumber<Isa, 5, 26> {
  using Number = PolyNumber<Isa, 5, 26>;
  using Number::h;

 public:
  using V = typename Isa::V;
  static constexpr std::size_t limbs = 5;

  void begin(const V* key, std::size_t half) {
    V low;
    V high;
    Number::begin(key, half, low, high);
    V r[limbs];
    to_limbs(low, high, r);
    set_multiplier(r);
  }

  /// h := h + block, where `present` is all ones; elsewhere it and the block are zero. Every block is a whole one:
  /// 2^128 is added to it.
  [[gnu::always_inline]] void add(V low, V high, V present) {
    V m[limbs];
    to_limbs(low, high, m);
    m[limbs - 1] = Isa::either(m[limbs - 1], Isa::both(present, Isa::set64(std::uint64_t{1} << 24)));
    for (std::size_t i = 0; i < limbs; ++i) h[i] = Isa::add64(h[i], m[i]);
  }

  /// h := h * r
  [[gnu::always_inline]] void multiply_accumulator() { multiply(h, h); }

  /// out := m * r; they may be the same. Limbs of m are below or little above 2^27, so that sums of products are below
  /// 2^58.
  [[gnu::always_inline]] void multiply(const V* m, V* out) const {
    const auto x = [](V a, V b) { return Isa::multiply32(a, b); };
    const V d[5] = {sum5(x(m[0], r_[0]), x(m[1], s_[3]), x(m[2], s_[2]), x(m[3], s_[1]), x(m[4], s_[0])),
                    sum5(x(m[0], r_[1]), x(m[1], r_[0]), x(m[2], s_[3]), x(m[3], s_[2]), x(m[4], s_[1])),
                    sum5(x(m[0], r_[2]), x(m[1], r_[1]), x(m[2], r_[0]), x(m[3], s_[3]), x(m[4], s_[2])),
                    sum5(x(m[0], r_[3]), x(m[1], r_[2]), x(m[2], r_[1]), x(m[3], r_[0]), x(m[4], s_[3])),
                    sum5(x(m[0], r_[4]), x(m[1], r_[3]), x(m[2], r_[2]), x(m[3], r_[1]), x(m[4], r_[0]))};
    for (std::size_t i = 0; i < 5; ++i) out[i] = d[i];
    carry_in_two_chains(out);
  }

  void finish(V* tag) {
    this->reduce();
    const V low =
        Isa::either(h[0], Isa::either(Isa::template shift_left<26>(h[1]), Isa::template shift_left<52>(h[2])));
    const V high = Isa::either(Isa::template shift_right<12>(h[2]),
                               Isa::either(Isa::template shift_left<14>(h[3]), Isa::template shift_left<40>(h[4])));
    Number::add_pad(low, high, tag);
  }

  [[nodiscard]] V* accumulator() { return h; }
  [[nodiscard]] const V* multiplier() const { return r_; }
  /// `r` as multiply() leaves it
  [[gnu::always_inline]] void set_multiplier(const V* r) {
    for (std::size_t i = 0; i < limbs; ++i) r_[i] = r[i];
    for (std::size_t i = 0; i + 1 < limbs; ++i) s_[i] = Number::times5(r_[i + 1]);
  }

 private:
  [[gnu::always_inline]] static void to_limbs(V low, V high, V* limb) {
    const V mask = Number::mask(0);
    limb[0] = Isa::both(low, mask);
    limb[1] = Isa::both(Isa::template shift_right<26>(low), mask);
    limb[2] = Isa::both(Isa::either(Isa::template shift_right<52>(low), Isa::template shift_left<12>(high)), mask);
    limb[3] = Isa::both(Isa::template shift_right<14>(high), mask);
    limb[4] = Isa::template shift_right<40>(high);
  }

  [[gnu::always_inline]] static V sum5(V a, V b, V c, V d, V e) {
    return Isa::add64(Isa::add64(Isa::add64(a, b), Isa::add64(c, d)), e);
  }

  /// Half the latency of one chain from end to end. Limbs 1 and 4 keep a bit more than 26 bits.
  [[gnu::always_inline]] static void carry_in_two_chains(V* limb) {
    const V mask = Number::mask(0);
    const auto carry = [&](V& from, V& to) {
      to = Isa::add64(to, Isa::template shift_right<26>(from));
      from = Isa::both(from, mask);
    };
    carry(limb[0], limb[1]);
    carry(limb[3], limb[4]);
    carry(limb[1], limb[2]);
    limb[0] = Isa::add64(limb[0], Number::times5(Isa::template shift_right<26>(limb[4])));
    limb[4] = Isa::both(limb[4], mask);
    carry(limb[2], limb[3]);
    carry(limb[0], limb[1]);
    carry(limb[3], limb[4]);
  }

  V r_[5];  // multiplier
  V s_[4];  // 5 * r[1..4], for products above 2^130
};

/// `Multiply52` has low(sum, a, b) and high(sum, a, b): sum and bits 0..51, or 52..103, of a * b; a and b are below
/// 2^52.
template <class Isa, class Multiply52>
class Poly44 : PolyNumber<Isa, 3, 44> {
  using Number = PolyNumber<Isa, 3, 44>;
  using Number::h;

 public:
  using V = typename Isa::V;
  static constexpr std::size_t limbs = 3;

  void begin(const V* key, std::size_t half) {
    V low;
    V high;
    Number::begin(key, half, low, high);
    V r[limbs];
    to_limbs(low, high, r);
    set_multiplier(r);
  }

  /// h := h + block, where `present` is all ones; elsewhere it and the block are zero. Every block is a whole one:
  /// 2^128 is added to it.
  [[gnu::always_inline]] void add(V low, V high, V present) {
    V m[limbs];
    to_limbs(low, high, m);
    m[limbs - 1] = Isa::either(m[limbs - 1], Isa::both(present, Isa::set64(std::uint64_t{1} << 40)));
    for (std::size_t i = 0; i < limbs; ++i) h[i] = Isa::add64(h[i], m[i]);
  }

  /// h := h * r
  [[gnu::always_inline]] void multiply_accumulator() { multiply(h, h); }

  /// out := m * r; they may be the same. Limbs: m below or little above 2^45, 2^45 and 2^43; r below 2^44, little above
  /// 2^44, below 2^42; s below 2^49.
  [[gnu::always_inline]] void multiply(const V* m, V* out) const {
    const V factor[3][3] = {{r_[0], s_[1], s_[0]}, {r_[1], r_[0], s_[1]}, {r_[2], r_[1], r_[0]}};
    V low[3];
    V high[3];
    for (std::size_t i = 0; i < 3; ++i) {
      low[i] = high[i] = Isa::set64(0);
      for (std::size_t j = 0; j < 3; ++j) {
        low[i] = Multiply52::low(low[i], m[j], factor[i][j]);
        high[i] = Multiply52::high(high[i], m[j], factor[i][j]);
      }
    }
    // A high half has the weight 2^52: 2^8 in the limb above. Above the top limb the weight is 2^132, which is 4 *
    // 2^130.
    out[0] = low[0];
    out[1] = Isa::add64(low[1], Isa::template shift_left<8>(high[0]));
    out[2] = Isa::add64(low[2], Isa::template shift_left<8>(high[1]));
    const V carry = Isa::add64(Number::carry_up(out), Isa::template shift_left<10>(high[2]));
    out[0] = Isa::add64(out[0], Number::times5(carry));
    out[1] = Isa::add64(out[1], Isa::template shift_right<44>(out[0]));
    out[0] = Isa::both(out[0], Number::mask(0));
  }

  void finish(V* tag) {
    this->reduce();
    const V low = Isa::either(h[0], Isa::template shift_left<44>(h[1]));
    const V high = Isa::either(Isa::template shift_right<20>(h[1]), Isa::template shift_left<24>(h[2]));
    Number::add_pad(low, high, tag);
  }

  [[nodiscard]] V* accumulator() { return h; }
  [[nodiscard]] const V* multiplier() const { return r_; }
  /// `r` as multiply() leaves it
  [[gnu::always_inline]] void set_multiplier(const V* r) {
    for (std::size_t i = 0; i < limbs; ++i) r_[i] = r[i];
    for (std::size_t i = 0; i + 1 < limbs; ++i) s_[i] = Isa::template shift_left<2>(Number::times5(r_[i + 1]));
  }

 private:
  [[gnu::always_inline]] static void to_limbs(V low, V high, V* limb) {
    const V mask = Number::mask(0);
    limb[0] = Isa::both(low, mask);
    limb[1] = Isa::both(Isa::either(Isa::template shift_right<44>(low), Isa::template shift_left<20>(high)), mask);
    limb[2] = Isa::template shift_right<24>(high);
  }

  V r_[3];  // multiplier
  V s_[2];  // 20 * r[1..2]: 4 * 5, for products above 2^132
};

}  // namespace
}  // namespace wg4::crypto
// NOLINTEND(modernize-avoid-c-arrays)
