#pragma once
// ChaCha20-Poly1305 with one packet per vector lane, for any instruction set that an `Isa` struct describes.
//
// Theory. Within one packet, ChaCha20 blocks are independent but Poly1305 is a chain, and both start with work that is
// too small for a vector: one block for the one-time key, a few for the data of a short packet. Across packets nothing
// depends on anything. So lane i of every vector belongs to packet i: one pass over the 16 state words yields one
// block of key stream for each packet, the first pass yields all the one-time keys, and Poly1305 goes on for all packets
// at once (lane_poly.h). What it costs is turning words by lane into rows by packet and back: two transpositions a block.
//
// Packets of a group may differ in length. While all have a whole block left, nothing is masked; behind that, lanes
// drop out one by one.
//
// Constant time: no branch and no address depends on key, plaintext or ciphertext, only on lengths and addresses, which
// whoever sees the packets knows. Masks are made from lengths alone, and the instructions used take the same time for any
// operands. Tags are not compared here: the caller does, in constant time.
//
// Secrets: what a kernel knows (key, one-time keys, key stream) it keeps in registers and in its frame, nowhere else. It
// clears the vector registers before it returns; the frame, with all that the compiler spilled to it, cannot be named
// from inside, so the caller wipes the stack below itself, once a batch. jobs[].tag is secret too for a forged packet.
//
// This header is compiled once per instruction set with that set's compiler flags. It must include nothing whose inline
// functions the linker could share with code for older CPUs, and everything in it has internal linkage.

#include "wg4netns/crypto/lane_job.h"
#include "wg4netns/crypto/lane_poly.h"

namespace wg4::crypto {
namespace {

constexpr std::size_t words_per_block = 16;
constexpr std::size_t block_size = 64;

/// One 64-byte block of one packet.
template <class Isa>
struct Row {
  static constexpr std::size_t parts = block_size / sizeof(typename Isa::V);
  typename Isa::V part[parts];

  void operator^=(const Row& other) {
    for (std::size_t i = 0; i < parts; ++i) part[i] = Isa::exclusive_or(part[i], other.part[i]);
  }
};

// ---------------------------------------------------------------- ChaCha20 (RFC 8439 2.3)

template <class Isa, class V = typename Isa::V>
[[gnu::always_inline]] inline void quarter_round(V& a, V& b, V& c, V& d) {
  a = Isa::add32(a, b);
  d = Isa::template rotate_left<16>(Isa::exclusive_or(d, a));
  c = Isa::add32(c, d);
  b = Isa::template rotate_left<12>(Isa::exclusive_or(b, c));
  a = Isa::add32(a, b);
  d = Isa::template rotate_left<8>(Isa::exclusive_or(d, a));
  c = Isa::add32(c, d);
  b = Isa::template rotate_left<7>(Isa::exclusive_or(b, c));
}

/// The input of the block function for every lane.
template <class Isa>
struct ChaChaInput {
  using V = typename Isa::V;
  V words[words_per_block];

  ChaChaInput(const std::uint32_t* key, const LaneJob* jobs) {
    constexpr std::uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // "expand 32-byte k"
    for (std::size_t i = 0; i < 4; ++i) words[i] = Isa::set32(constants[i]);
    for (std::size_t i = 0; i < 8; ++i) words[4 + i] = Isa::set32(key[i]);
    alignas(64) std::uint32_t low[Isa::lanes];
    alignas(64) std::uint32_t high[Isa::lanes];
    for (std::size_t i = 0; i < Isa::lanes; ++i) {
      low[i] = static_cast<std::uint32_t>(jobs[i].counter);
      high[i] = static_cast<std::uint32_t>(jobs[i].counter >> 32);
    }
    words[12] = Isa::set32(0);
    words[13] = Isa::set32(0);
    words[14] = Isa::load(low);
    words[15] = Isa::load(high);
  }

  /// out[w] = word w of key stream block `number`, by lane.
  [[gnu::always_inline]] void block(std::uint32_t number, V* out) const {
    V x[words_per_block];
    for (std::size_t i = 0; i < words_per_block; ++i) x[i] = words[i];
    const V counter = Isa::set32(number);
    x[12] = counter;
#pragma GCC unroll 1
    for (int round = 0; round < 20; round += 2) {
      quarter_round<Isa>(x[0], x[4], x[8], x[12]);
      quarter_round<Isa>(x[1], x[5], x[9], x[13]);
      quarter_round<Isa>(x[2], x[6], x[10], x[14]);
      quarter_round<Isa>(x[3], x[7], x[11], x[15]);
      quarter_round<Isa>(x[0], x[5], x[10], x[15]);
      quarter_round<Isa>(x[1], x[6], x[11], x[12]);
      quarter_round<Isa>(x[2], x[7], x[8], x[13]);
      quarter_round<Isa>(x[3], x[4], x[9], x[14]);
    }
    for (std::size_t i = 0; i < words_per_block; ++i) out[i] = Isa::add32(x[i], i == 12 ? counter : words[i]);
  }
};

// ---------------------------------------------------------------- a group of packets

template <class Isa, class Poly>
class Group {
 public:
  using V = typename Isa::V;
  static constexpr std::size_t lanes = Isa::lanes;
  static constexpr std::size_t poly_lanes = lanes / 2;

  Group(const std::uint32_t* key, LaneJob* jobs, std::size_t count) : input_(key, jobs), jobs_(jobs), count_(count) {
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
  /// Blocks that every packet has in full.
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

  /// Encrypts or decrypts one block of one packet; returns its ciphertext.
  template <bool seal>
  [[gnu::always_inline]] static Row<Isa> whole_row(const LaneJob& job, std::size_t offset, const Row<Isa>& stream) {
    const std::uint8_t* from = offset < job.head_size ? job.head + offset : job.body + (offset - job.head_size);
    const Row<Isa> in = Isa::load_row(from);
    Row<Isa> out = in;
    out ^= stream;
    Isa::store_row(job.out + offset, out);
    return seal ? out : in;
  }

  /// The same for a block that the packet has not, or not all of; behind its end the ciphertext is zero.
  template <bool seal>
  static Row<Isa> partial_row(const LaneJob& job, std::size_t offset, const Row<Isa>& stream) {
    const std::size_t text = rest(job.text_size, offset);
    const std::size_t size = rest(job.size, offset);
    const std::uint8_t* from = offset < job.head_size ? job.head + offset : job.body + (offset - job.head_size);
    const Row<Isa> in = Isa::load_row_front(from, text);
    Row<Isa> out = in;
    out ^= stream;
    Isa::store_row_front(job.out + offset, out, size);
    return seal ? Isa::row_front(out, size) : in;
  }

  /// Bytes of a block at `offset`, 0..64.
  [[nodiscard]] static std::size_t rest(std::size_t size, std::size_t offset) {
    if (size <= offset) return 0;
    return size - offset < block_size ? size - offset : block_size;
  }

  /// The two halves by turns, because each is one long chain of dependent instructions.
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
          poly_[half].absorb(low, high);
        }
      }
    }
  }

  /// Absorbs where `active` is all ones; lanes where it is zero stay as they are.
  [[gnu::always_inline]] static void absorb_where(Poly& poly, V active, V low, V high) {
    V before[Poly::limbs];
    V* const h = poly.accumulator();
    for (std::size_t i = 0; i < Poly::limbs; ++i) before[i] = h[i];
    poly.absorb(low, high);
    for (std::size_t i = 0; i < Poly::limbs; ++i)
      h[i] = Isa::either(Isa::both(active, h[i]), Isa::without(before[i], active));
  }

  /// All ones in the lanes whose packets go on at `offset`.
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
      poly_[half].absorb(Isa::set64(0), Isa::load(size));
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

template <class Isa, class Poly, bool seal>
void run_group(const std::uint32_t* key, LaneJob* jobs, std::size_t count) {
  Group<Isa, Poly>(key, jobs, count).template run<seal>();
  Isa::clear_registers();
}

template <class Isa, class Poly>
constexpr LaneKernel kernel_of = {Isa::lanes, run_group<Isa, Poly, true>, run_group<Isa, Poly, false>};

}  // namespace
}  // namespace wg4::crypto
