#pragma once

#include <cstddef>
#include <cstdint>
// ChaCha20 (RFC 8439 2.3) in vectors: each of the 16 state words is one vector, and each lane belongs to another block.
//
// Included by files that are compiled for CPUs that this may not be: the rules of kernel.h apply.

#include "wg4netns/crypto/lanes/job.h"

// NOLINTBEGIN(modernize-avoid-c-arrays): std::array has functions that the linker could share
namespace wg4::crypto {
namespace {

constexpr std::size_t words_per_block = 16;
constexpr std::size_t block_size = 64;

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

  /// The same block of many packets.
  ChaChaInput(const std::uint8_t* key, const LaneJob* jobs) {
    alignas(64) std::uint32_t low[Isa::lanes];
    alignas(64) std::uint32_t high[Isa::lanes];
    for (std::size_t i = 0; i < Isa::lanes; ++i) {
      low[i] = static_cast<std::uint32_t>(jobs[i].counter);
      high[i] = static_cast<std::uint32_t>(jobs[i].counter >> 32);
    }
    set(key, Isa::set32(0), Isa::load(low), Isa::load(high));
  }

  /// Consecutive blocks of one packet, one per lane.
  ChaChaInput(const std::uint8_t* key, std::uint64_t counter) {
    alignas(64) std::uint32_t order[Isa::lanes];
    for (std::uint32_t i = 0; i < Isa::lanes; ++i) order[i] = i;
    set(key, Isa::load(order), Isa::set32(static_cast<std::uint32_t>(counter)),
        Isa::set32(static_cast<std::uint32_t>(counter >> 32)));
  }

  void set(const std::uint8_t* key, V block, V counter_low, V counter_high) {
    constexpr std::uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // "expand 32-byte k"
    for (std::size_t i = 0; i < 4; ++i) words[i] = Isa::set32(constants[i]);
    for (std::size_t i = 0; i < 8; ++i) {
      std::uint32_t word;
      __builtin_memcpy(&word, key + 4 * i, sizeof(word));
      words[4 + i] = Isa::set32(word);
    }
    words[12] = block;
    words[13] = Isa::set32(0);
    words[14] = counter_low;
    words[15] = counter_high;
  }

  /// out[w] = by lane, word w of the key stream block that is `number` blocks behind the input's.
  [[gnu::always_inline]] void block(std::uint32_t number, V* out) const {
    V x[words_per_block];
    for (std::size_t i = 0; i < words_per_block; ++i) x[i] = words[i];
    const V counter = Isa::add32(words[12], Isa::set32(number));
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

/// One 64-byte block of one packet.
template <class Isa>
struct Row {
  static constexpr std::size_t parts = block_size / sizeof(typename Isa::V);
  typename Isa::V part[parts];

  void operator^=(const Row& other) {
    for (std::size_t i = 0; i < parts; ++i) part[i] = Isa::exclusive_or(part[i], other.part[i]);
  }
};

/// How many bytes the block at `offset` has, 0..64.
inline std::size_t rest(std::size_t size, std::size_t offset) {
  if (size <= offset) return 0;
  return size - offset < block_size ? size - offset : block_size;
}

inline const std::uint8_t* text_at(const LaneJob& job, std::size_t offset) {
  return offset < job.head_size ? job.head + offset : job.body + (offset - job.head_size);
}

/// Encrypts or decrypts one block of one packet; returns its ciphertext.
template <bool seal, class Isa>
[[gnu::always_inline]] inline Row<Isa> whole_row(const LaneJob& job, std::size_t offset, const Row<Isa>& stream) {
  const Row<Isa> in = Isa::load_row(text_at(job, offset));
  Row<Isa> out = in;
  out ^= stream;
  Isa::store_row(job.out + offset, out);
  return seal ? out : in;
}

/// The same for a block that is partly or wholly behind the packet's end; there, the ciphertext is zero.
template <bool seal, class Isa>
inline Row<Isa> partial_row(const LaneJob& job, std::size_t offset, const Row<Isa>& stream) {
  const std::size_t text = rest(job.text_size, offset);
  const std::size_t size = rest(job.size, offset);
  if (size == 0) return Isa::load_row_front(nullptr, 0);
  const Row<Isa> in = Isa::load_row_front(text == 0 ? nullptr : text_at(job, offset), text);
  Row<Isa> out = in;
  out ^= stream;
  Isa::store_row_front(job.out + offset, out, size);
  return seal ? Isa::row_front(out, size) : in;
}

}  // namespace
}  // namespace wg4::crypto
// NOLINTEND(modernize-avoid-c-arrays)
