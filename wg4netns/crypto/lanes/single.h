#pragma once

#include <cstddef>
#include <cstdint>
// One packet, its blocks spread over the lanes: for packets that do not fill a group. See kernel.h.
//
// Theory. Lane i of the first ChaCha20 pass is block i: block 0, the one-time key, costs no pass of its own. Poly1305
// with P lanes treats every P-th 16-byte block as part of a separate polynomial in R = r^P; at the end, the lanes are
// multiplied by r^P .. r^1 and added up. Absent blocks in front, which are zero and stay zero, make the count of blocks
// a multiple of P; so the last lane always ends with the block of lengths.

#include "wg4netns/crypto/lanes/chacha.h"
#include "wg4netns/crypto/lanes/job.h"
#include "wg4netns/crypto/lanes/poly.h"

// NOLINTBEGIN(modernize-avoid-c-arrays): std::array has functions that the linker could share
namespace wg4::crypto {
namespace {

template <class Isa, class Poly>
class Single {
 public:
  using V = typename Isa::V;
  static constexpr std::size_t lanes = Isa::lanes;
  static constexpr std::size_t poly_lanes = lanes / 2;
  static constexpr std::size_t stride = 16 * poly_lanes;  // bytes that Poly1305 takes at once

  Single(const std::uint8_t* key, LaneJob& job) : input_(key, job.counter), job_(job) {}

  template <bool seal>
  void run() {
    make_stream(0);
    begin_mac();
    if (!seal) compute_tag();
    const std::size_t blocks = 1 + (job_.size + block_size - 1) / block_size;
    for (std::size_t first = 0; first < blocks; first += lanes) {
      if (first > 0) make_stream(first);
      for (std::size_t i = first == 0 ? 1 : 0; i < lanes && first + i < blocks; ++i)
        crypt<seal>(first + i - 1, stream_[i]);
    }
    if (seal) compute_tag();
  }

 private:
  [[gnu::always_inline]] void make_stream(std::size_t first) {
    V words[words_per_block];
    input_.block(static_cast<std::uint32_t>(first), words);
    Isa::to_rows(words, stream_);
  }

  template <bool seal>
  [[gnu::always_inline]] void crypt(std::size_t block, const Row<Isa>& stream) {
    const std::size_t offset = block * block_size;
    if (offset + block_size <= job_.text_size) {
      whole_row<seal>(job_, offset, stream);
    } else {
      partial_row<seal>(job_, offset, stream);
    }
  }

  void begin_mac() {
    std::uint32_t words[words_per_block];
    Isa::store_row(reinterpret_cast<std::uint8_t*>(words), stream_[0]);
    V one_time_key[8];
    for (std::size_t i = 0; i < 8; ++i) one_time_key[i] = Isa::set32(words[i]);
    poly_.begin(one_time_key, 0);
    raise_r();
  }

  /// Makes poly_ multiply by R, and last_ the powers for the end.
  void raise_r() {
    Poly base = poly_;  // multiplies by r^bit
    for (std::size_t i = 0; i < Poly::limbs; ++i) last_[i] = Isa::set64(i == 0 ? 1 : 0);
    for (std::size_t bit = 1;; bit *= 2) {
      V power[Poly::limbs];
      base.multiply(last_, power);
      const V taken = where([bit](std::size_t slot) { return ((poly_lanes - slot) & bit) != 0; });
      for (std::size_t i = 0; i < Poly::limbs; ++i) last_[i] = Isa::select(taken, power[i], last_[i]);
      if (bit == poly_lanes) break;
      base.multiply(base.multiplier(), power);
      base.set_multiplier(power);
    }
    poly_.set_multiplier(base.multiplier());
  }

  /// Over the ciphertext, which is at job_.out by then.
  void compute_tag() {
    const std::size_t blocks = (job_.size + 15) / 16 + 1;
    const std::size_t strides = (blocks + poly_lanes - 1) / poly_lanes;
    const std::size_t absent = strides * poly_lanes - blocks;
    const V present = where([absent](std::size_t slot) { return slot >= absent; });
    alignas(64) std::uint8_t buffer[stride] = {};
    // The first stride without the absent blocks; if it is the only one, also without the lengths.
    const std::size_t front = stride - 16 * absent < job_.size ? stride - 16 * absent : job_.size;
    __builtin_memcpy(buffer + 16 * absent, job_.out, strides > 1 ? front : job_.size);
    if (strides > 1) {
      add(buffer, present);
      const std::uint8_t* from = job_.out + front;
      for (std::size_t i = 2; i < strides; ++i, from += stride) {
        poly_.multiply_accumulator();
        add(from, Isa::set64(~std::uint64_t{0}));
      }
      poly_.multiply_accumulator();
      __builtin_memset(buffer, 0, stride);
      __builtin_memcpy(buffer, from, static_cast<std::size_t>(job_.out + job_.size - from));
    }
    const std::uint64_t size = job_.size;
    __builtin_memcpy(buffer + stride - 8, &size, sizeof(size));
    add(buffer, strides > 1 ? Isa::set64(~std::uint64_t{0}) : present);
    end_mac();
  }

  [[gnu::always_inline]] void add(const std::uint8_t* from, V present) {
    V low;
    V high;
    Isa::load_blocks(from, low, high);
    poly_.add(low, high, present);
  }

  /// Adds up the lanes.
  void end_mac() {
    poly_.set_multiplier(last_);
    poly_.multiply_accumulator();
    for (std::size_t limb = 0; limb < Poly::limbs; ++limb) {
      alignas(64) std::uint64_t by_lane[poly_lanes];
      Isa::store(by_lane, poly_.accumulator()[limb]);
      std::uint64_t sum = 0;
      for (const std::uint64_t value : by_lane) sum += value;
      poly_.accumulator()[limb] = Isa::set64(sum);
    }
    V tag[4];
    poly_.finish(tag);
    for (std::size_t word = 0; word < 4; ++word) {
      alignas(64) std::uint64_t by_lane[poly_lanes];
      Isa::store(by_lane, tag[word]);
      job_.tag[word] = static_cast<std::uint32_t>(by_lane[0]);
    }
  }

  /// All ones in the lanes of those of the P blocks in memory (slots) for which `is` is true; load_blocks() defines the
  /// order.
  template <class Predicate>
  static V where(Predicate is) {
    alignas(64) std::uint64_t mask[poly_lanes];
    for (std::size_t i = 0; i < poly_lanes; ++i)
      mask[i] = is(i / 2 + (i % 2) * (poly_lanes / 2)) ? ~std::uint64_t{0} : 0;
    return Isa::load(mask);
  }

  ChaChaInput<Isa> input_;
  Poly poly_;
  V last_[Poly::limbs];  // r^P .. r^1
  Row<Isa> stream_[lanes];
  LaneJob& job_;
};

}  // namespace
}  // namespace wg4::crypto
// NOLINTEND(modernize-avoid-c-arrays)
