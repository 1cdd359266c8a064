#pragma once

#include <cstddef>
#include <cstdint>
// Access to the inside of the vector kernels for tests, compiled like them for CPUs that this may not be.

#include "wg4netns/crypto/lanes/job.h"

namespace wg4::crypto {

/// Poly1305 alone, with one message per lane, each of `blocks` blocks: words[block][lane][low, high] of 64 bits.
/// keys[lane] is r and s, tags[lane] the result, in words of 32 bits.
struct PolyProbe {
  const char* name;
  std::size_t lanes;
  void (*tags)(const std::uint32_t (*keys)[8], const std::uint64_t (*words)[2], std::size_t blocks,
               std::uint32_t (*tags)[4]);
};

inline constexpr std::size_t max_poly_lanes = max_lanes / 2;

extern const PolyProbe avx2_poly26;
extern const PolyProbe avx512_poly26;
extern const PolyProbe avx512_poly44;  // with emulated IFMA

/// Whether all vector registers hold zero.
[[nodiscard]] bool avx2_registers_are_clear();
[[nodiscard]] bool avx512_registers_are_clear();

/// avx512_ifma_kernel on a CPU that has all but IFMA.
extern const LaneKernel emulated_ifma_kernel;

}  // namespace wg4::crypto
