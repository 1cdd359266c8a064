#include "tests/unit/crypto_subjects.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shared/base/bytes.h"
#include "tests/unit/crypto_lane_probes.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/lanes/job.h"

namespace wg4::crypto {

std::vector<NamedKernel> all_kernels() {
  std::vector<NamedKernel> list;
  for (const Backend& backend : built_backends()) {
    if (!backend.runs_here() || backend.kernel == nullptr) continue;
    list.push_back({std::string(backend.name), backend.kernel});
#if defined(__x86_64__)
    if (backend.kernel == &avx512_kernel) list.push_back({"IFMA, emulated", &emulated_ifma_kernel});
#endif
  }
  return list;
}

std::vector<Subject> all_subjects() {
  std::vector<Subject> list;
  for (const std::string_view name : available_backends()) list.push_back({std::string(name), make_backend(name)});
  for (const NamedKernel& kernel : all_kernels()) {
    list.push_back({kernel.name + ", groups", make_lane_aead("groups", *kernel.kernel, always_group)});
    list.push_back({kernel.name + ", single packets", make_lane_aead("single", *kernel.kernel, never_group)});
    constexpr GroupCost half_filled{440, 8, 180};
    list.push_back({kernel.name + ", beside another",
                    make_lane_aead("beside another", *kernel.kernel, half_filled, {make_openssl_aead(), 700, 3})});
  }
  return list;
}

AeadFixture::AeadFixture(std::uint64_t seed) : chance_(seed) {
  chance_.fill(key_.span());
  noise_ = random(max_length);
}

std::uint64_t AeadFixture::counter() { return load_le<std::uint64_t>(random(8).data()); }

std::vector<std::uint8_t> AeadFixture::random(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  chance_.fill(bytes);
  return bytes;
}

std::vector<std::uint8_t> AeadFixture::expected(std::size_t size, std::size_t padding, std::uint64_t counter) {
  std::vector<std::uint8_t> sealed(size + padding + aead_tag_size);
  const SealJob job{{{}, plaintext(size)}, padding, sealed.data(), counter};
  oracle_->seal_batch(key_, {&job, 1});
  return sealed;
}

}  // namespace wg4::crypto
