#pragma once

#include <cstddef>
#include <cstdint>
// Many packets, one per lane: see kernel.h.

#include "wg4netns/crypto/lanes/chacha.h"
#include "wg4netns/crypto/lanes/job.h"
#include "wg4netns/crypto/lanes/poly.h"

// NOLINTBEGIN(modernize-avoid-c-arrays): std::array has functions that the linker could share
namespace wg4::crypto {
namespace {

template <class Isa, class Poly>
class Group {
 public:
  using V = typename Isa::V;
  static constexpr std::size_t lanes = Isa::lanes;
  static constexpr std::size_t poly_lanes = lanes / 2;

  Group(const std::uint8_t* key, LaneJob* jobs, std::size_t count) : input_(key, jobs), jobs_(jobs), count_(count) {
    V one_time_key[words_per_block];
    input_.block(0, one_time_key);
    for (std::size_t half = 0; half < 2; ++half) poly_[half].begin(one_time_key, half);
  }

  template <bool seal>
  void run() {
    const std::size_t whole = whole_blocks();
    const std::size_t all = all_blocks();
    for (std::size_t block = 0; block < whole; ++block) step<seal, false>(block);
    for (std::size_t block = whole; block < all; ++block) step<seal, true>(block);
    absorb_lengths();
    store_tags();
  }

 private:
  /// How many full blocks the shortest packet has.
  [[nodiscard]] std::size_t whole_blocks() const {
    std::size_t least = SIZE_MAX;
    for (std::size_t i = 0; i < count_; ++i) {
      const std::size_t blocks = jobs_[i].text_size / block_size;
      least = blocks < least ? blocks : least;
    }
    return least;
  }
  [[nodiscard]] std::size_t all_blocks() const {
    std::size_t most = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const std::size_t blocks = (jobs_[i].size + block_size - 1) / block_size;
      most = blocks > most ? blocks : most;
    }
    return most;
  }

  template <bool seal, bool partial>
  [[gnu::always_inline]] void step(std::size_t block) {
    V words[words_per_block];
    input_.block(static_cast<std::uint32_t>(block) + 1, words);
    Row<Isa> rows[lanes];
    Isa::to_rows(words, rows);
    for (std::size_t i = 0; i < lanes; ++i) {
      if (i >= count_) {
        rows[i] = Isa::load_row_front(nullptr, 0);
      } else if (partial) {
        rows[i] = partial_row<seal>(jobs_[i], block * block_size, rows[i]);
      } else {
        rows[i] = whole_row<seal>(jobs_[i], block * block_size, rows[i]);
      }
    }
    absorb_rows<partial>(block, rows);
  }

  /// Alternates between the two halves, because each is one long chain of dependent instructions.
  template <bool partial>
  [[gnu::always_inline]] void absorb_rows(std::size_t block, const Row<Isa>* rows) {
    V words[2][8];  // 64-bit words of the block, by lane
    for (std::size_t half = 0; half < 2; ++half) Isa::to_words(rows + half * poly_lanes, words[half]);
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t half = 0; half < 2; ++half) {
        const V low = words[half][2 * i];
        const V high = words[half][2 * i + 1];
        if (partial) {
          absorb_where(poly_[half], active(half, block * block_size + 16 * i), low, high);
        } else {
          absorb(poly_[half], low, high);
        }
      }
    }
  }

  /// h := (h + block) * r
  [[gnu::always_inline]] static void absorb(Poly& poly, V low, V high) {
    poly.add(low, high, Isa::set64(~std::uint64_t{0}));
    poly.multiply_accumulator();
  }

  /// The same in lanes where `active` is all ones; lanes where it is zero do not change.
  [[gnu::always_inline]] static void absorb_where(Poly& poly, V active, V low, V high) {
    V before[Poly::limbs];
    V* const h = poly.accumulator();
    for (std::size_t i = 0; i < Poly::limbs; ++i) before[i] = h[i];
    absorb(poly, low, high);
    for (std::size_t i = 0; i < Poly::limbs; ++i) h[i] = Isa::select(active, h[i], before[i]);
  }

  /// All ones in the lanes whose packets have more bytes at `offset`.
  [[nodiscard]] V active(std::size_t half, std::size_t offset) const {
    alignas(64) std::uint64_t mask[poly_lanes];
    for (std::size_t i = 0; i < poly_lanes; ++i) {
      const LaneJob& job = jobs_[half * poly_lanes + i];
      mask[i] = job.size > offset ? ~std::uint64_t{0} : 0;
    }
    return Isa::load(mask);
  }

  /// The last block of the AEAD's mac: lengths of associated data (none) and ciphertext.
  void absorb_lengths() {
    for (std::size_t half = 0; half < 2; ++half) {
      alignas(64) std::uint64_t size[poly_lanes];
      for (std::size_t i = 0; i < poly_lanes; ++i) size[i] = jobs_[half * poly_lanes + i].size;
      absorb(poly_[half], Isa::set64(0), Isa::load(size));
    }
  }

  void store_tags() {
    for (std::size_t half = 0; half < 2; ++half) {
      V tag[4];
      poly_[half].finish(tag);
      for (std::size_t word = 0; word < 4; ++word) {
        alignas(64) std::uint64_t by_lane[poly_lanes];
        Isa::store(by_lane, tag[word]);
        for (std::size_t i = 0; i < poly_lanes; ++i)
          jobs_[half * poly_lanes + i].tag[word] = static_cast<std::uint32_t>(by_lane[i]);
      }
    }
  }

  ChaChaInput<Isa> input_;
  Poly poly_[2];
  LaneJob* jobs_;
  std::size_t count_;
};

}  // namespace
}  // namespace wg4::crypto
// NOLINTEND(modernize-avoid-c-arrays)
