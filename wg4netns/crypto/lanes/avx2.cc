// 8 packets a group on AVX2. Compiled for it: nothing here may run before the CPU's features were checked.
#include "wg4netns/crypto/lanes/isa_avx2.h"
#include "wg4netns/crypto/lanes/job.h"
#include "wg4netns/crypto/lanes/kernel.h"
#include "wg4netns/crypto/lanes/poly.h"

namespace wg4::crypto {

const LaneKernel avx2_kernel = kernel_of<Avx2, Poly26<Avx2>>;

}  // namespace wg4::crypto
