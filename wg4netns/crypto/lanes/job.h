#pragma once
// The input and output of the vector kernels. Plain data: this is included by files that are compiled for CPUs that
// this may not be.

#include <cstddef>
#include <cstdint>

// NOLINTBEGIN(modernize-avoid-c-arrays): std::array has functions that the linker could share
namespace wg4::crypto {

inline constexpr std::size_t max_lanes = 16;

/// One packet of a group. To open, head is empty and body == out.
struct LaneJob {
  const std::uint8_t* head = nullptr;
  std::size_t head_size = 0;  ///< a multiple of 64, or all of the text
  const std::uint8_t* body = nullptr;
  std::size_t text_size = 0;  ///< head and body, bytes
  std::size_t size = 0;       ///< text and zero padding = ciphertext, bytes
  std::uint8_t* out = nullptr;
  std::uint64_t counter = 0;
  std::uint32_t tag[4] = {};  ///< result, little-endian words
};

/// Seals or opens `count` packets under one key of 32 bytes. `jobs` has an element for each lane; those from `count` on
/// are ignored but must have size zero. Opening computes the tag and decrypts; the caller compares the tag.
using GroupFunction = void (*)(const std::uint8_t* key, LaneJob* jobs, std::size_t count);
/// The same for one packet, and faster.
using SingleFunction = void (*)(const std::uint8_t* key, LaneJob& job);

struct LaneKernel {
  std::size_t lanes;
  GroupFunction seal;
  GroupFunction open;
  SingleFunction seal_single;
  SingleFunction open_single;
};

/// To be called only on a CPU that has the instructions.
extern const LaneKernel avx2_kernel;         // AVX2
extern const LaneKernel avx512_kernel;       // AVX-512 F, BW, VL
extern const LaneKernel avx512_ifma_kernel;  // AVX-512 F, BW, VL, IFMA

}  // namespace wg4::crypto
// NOLINTEND(modernize-avoid-c-arrays)
