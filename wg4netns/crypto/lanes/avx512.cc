// 16 packets a group on AVX-512 F, BW and VL. Compiled for them: nothing here may run before the CPU's features were
// checked.
#include "wg4netns/crypto/lanes/isa_avx512.h"
#include "wg4netns/crypto/lanes/job.h"
#include "wg4netns/crypto/lanes/kernel.h"
#include "wg4netns/crypto/lanes/poly.h"

namespace wg4::crypto {

const LaneKernel avx512_kernel = kernel_of<Avx512, Poly26<Avx512>>;

}  // namespace wg4::crypto
