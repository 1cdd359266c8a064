#include "tests/unit/crypto_lane_probes.h"
#include "tests/unit/crypto_poly_probe.h"
#include "wg4netns/crypto/lanes/isa_avx2.h"
#include "wg4netns/crypto/lanes/poly.h"

namespace wg4::crypto {

const PolyProbe avx2_poly26 = {"AVX2, 2^26", Avx2::lanes / 2, poly_tags<Avx2, Poly26<Avx2>>};

bool avx2_registers_are_clear() {
  bool clear = false;
  asm volatile(
      ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
      "vpor %%ymm\\n, %%ymm0, %%ymm0\n"
      ".endr\n"
      "vptest %%ymm0, %%ymm0"
      : "=@ccz"(clear)
      :
      : "xmm0");
  return clear;
}

}  // namespace wg4::crypto
