#include <cstddef>
#include <cstdint>

#include "tests/unit/crypto_lane_probes.h"
#include "tests/unit/crypto_poly_probe.h"
#include "wg4netns/crypto/lanes/isa_avx512.h"
#include "wg4netns/crypto/lanes/job.h"
#include "wg4netns/crypto/lanes/kernel.h"
#include "wg4netns/crypto/lanes/poly.h"

namespace wg4::crypto {
namespace {

/// vpmadd52luq and vpmadd52huq as Intel's manual describes them, for CPUs without.
struct EmulatedIfma {
  using V = Avx512::V;
  static V low(V sum, V a, V b) { return multiply_add(sum, a, b, 0); }
  static V high(V sum, V a, V b) { return multiply_add(sum, a, b, 52); }

 private:
  static V multiply_add(V sum, V a, V b, int shift) {
    __extension__ using Wide = unsigned __int128;
    constexpr std::uint64_t mask = (std::uint64_t{1} << 52) - 1;
    alignas(64) std::uint64_t sums[8];
    alignas(64) std::uint64_t as[8];
    alignas(64) std::uint64_t bs[8];
    Avx512::store(sums, sum);
    Avx512::store(as, a);
    Avx512::store(bs, b);
    for (std::size_t i = 0; i < 8; ++i) {
      const Wide product = Wide{as[i] & mask} * (bs[i] & mask);
      sums[i] += static_cast<std::uint64_t>(product >> shift) & mask;
    }
    return Avx512::load(sums);
  }
};

using EmulatedPoly = Poly44<Avx512, EmulatedIfma>;

}  // namespace

const PolyProbe avx512_poly26 = {"AVX-512, 2^26", Avx512::lanes / 2, poly_tags<Avx512, Poly26<Avx512>>};
const PolyProbe avx512_poly44 = {"AVX-512, 2^44", Avx512::lanes / 2, poly_tags<Avx512, EmulatedPoly>};
const LaneKernel emulated_ifma_kernel = kernel_of<Avx512, EmulatedPoly>;

bool avx512_registers_are_clear() {
  bool clear = false;
  asm volatile(
      ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, "
      "29, 30, 31\n"
      "vporq %%zmm\\n, %%zmm0, %%zmm0\n"
      ".endr\n"
      "vptestmd %%zmm0, %%zmm0, %%k1\n"
      "kortestw %%k1, %%k1"
      : "=@ccz"(clear)
      :
      : "xmm0", "k1");
  return clear;
}

}  // namespace wg4::crypto
