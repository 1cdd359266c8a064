// 16 packets a group on AVX-512 F, BW, VL and IFMA. Compiled for them: nothing here may run before the CPU's features
// were checked.
#include "wg4netns/crypto/lanes/isa_avx512.h"
#include "wg4netns/crypto/lanes/job.h"
#include "wg4netns/crypto/lanes/kernel.h"
#include "wg4netns/crypto/lanes/poly.h"

namespace wg4::crypto {
namespace {

struct Ifma {
  using V = Avx512::V;
  static V low(V sum, V a, V b) { return _mm512_madd52lo_epu64(sum, a, b); }
  static V high(V sum, V a, V b) { return _mm512_madd52hi_epu64(sum, a, b); }
};

}  // namespace

const LaneKernel avx512_ifma_kernel = kernel_of<Avx512, Poly44<Avx512, Ifma>>;

}  // namespace wg4::crypto
