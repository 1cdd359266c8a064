#include "wg4netns/crypto/aead_backends.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "shared/base/bytes.h"

namespace wg4::crypto {
namespace {

bool anywhere() { return true; }

#if defined(__x86_64__)
// The compiler's run-time library asks CPUID for the instructions and XGETBV for the kernel's support of the registers.
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
bool has_avx512_ifma() { return has_avx512() && __builtin_cpu_supports("avx512ifma"); }
bool has_avx2() { return __builtin_cpu_supports("avx2"); }

// Measured on a Cascade Lake, which has no IFMA.
constexpr GroupCost avx512_cost{1400, 18, 64};
constexpr GroupCost avx2_cost{800, 10, 64};

/// Up to this many small packets do not form a group, although one would be faster: aead_lanes.cc says why.
constexpr std::size_t small_batch_beside_avx512 = 4;

std::unique_ptr<Aead> make_lanes(std::string_view name, const LaneKernel& kernel, GroupCost cost,
                                 std::size_t small_batch) {
  return make_lane_aead(name, kernel, cost, {make_sodium_aead(), small_packet, small_batch});
}
std::unique_ptr<Aead> make_avx512_ifma() {
  return make_lanes("lanes-avx512-ifma", avx512_ifma_kernel, avx512_cost, small_batch_beside_avx512);
}
std::unique_ptr<Aead> make_avx512() {
  return make_lanes("lanes-avx512", avx512_kernel, avx512_cost, small_batch_beside_avx512);
}
std::unique_ptr<Aead> make_avx2() { return make_lanes("lanes-avx2", avx2_kernel, avx2_cost, 0); }
#endif

#if defined(WG4_IPSEC_MB)
bool has_avx512_ifma_and_ipsec_mb() { return has_avx512_ifma() && has_ipsec_mb(); }
bool has_avx512_and_ipsec_mb() { return has_avx512() && has_ipsec_mb(); }
bool has_avx2_and_ipsec_mb() { return has_avx2() && has_ipsec_mb(); }

// The library is faster than the kernels with single packets, so beside it fewer groups are worth their cost.
constexpr GroupCost avx512_ifma_cost_beside_ipsec_mb{850, 12, 150};  // after figures of a Zen 5
constexpr GroupCost avx512_cost_beside_ipsec_mb{500, 20, 48};        // after figures of a Cascade Lake
constexpr GroupCost avx2_cost_beside_ipsec_mb{440, 8, 180};          // measured on a Zen 3

/// The kernel for groups, the library for other packets.
std::unique_ptr<Aead> make_hybrid(std::string_view name, const LaneKernel& kernel, GroupCost cost,
                                  std::size_t small_batch) {
  std::unique_ptr<Aead> library = make_ipsec_mb_aead();
  return library ? make_lane_aead(name, kernel, cost, {std::move(library), SIZE_MAX, small_batch}) : nullptr;
}
std::unique_ptr<Aead> make_avx512_ifma_and_ipsec_mb() {
  return make_hybrid("lanes-avx512-ifma+ipsec-mb", avx512_ifma_kernel, avx512_ifma_cost_beside_ipsec_mb,
                     small_batch_beside_avx512);
}
std::unique_ptr<Aead> make_avx512_and_ipsec_mb() {
  return make_hybrid("lanes-avx512+ipsec-mb", avx512_kernel, avx512_cost_beside_ipsec_mb, small_batch_beside_avx512);
}
std::unique_ptr<Aead> make_avx2_and_ipsec_mb() {
  return make_hybrid("lanes-avx2+ipsec-mb", avx2_kernel, avx2_cost_beside_ipsec_mb, 0);
}
#endif

/// In order of preference.
constexpr auto backends_of_build = std::to_array<Backend>({
#if defined(WG4_IPSEC_MB)
    {"lanes-avx512-ifma+ipsec-mb", has_avx512_ifma_and_ipsec_mb, make_avx512_ifma_and_ipsec_mb},
#endif
#if defined(__x86_64__)
    {"lanes-avx512-ifma", has_avx512_ifma, make_avx512_ifma, &avx512_ifma_kernel},
#endif
#if defined(WG4_IPSEC_MB)
    {"lanes-avx512+ipsec-mb", has_avx512_and_ipsec_mb, make_avx512_and_ipsec_mb},
#endif
#if defined(__x86_64__)
    {"lanes-avx512", has_avx512, make_avx512, &avx512_kernel},
#endif
#if defined(WG4_IPSEC_MB)
    {"lanes-avx2+ipsec-mb", has_avx2_and_ipsec_mb, make_avx2_and_ipsec_mb},
#endif
#if defined(__x86_64__)
    {"lanes-avx2", has_avx2, make_avx2, &avx2_kernel},
#endif
    {"openssl", anywhere, make_openssl_aead},
#if defined(WG4_IPSEC_MB)
    {"ipsec-mb", has_ipsec_mb, make_ipsec_mb_aead},
#endif
    {"sodium", anywhere, make_sodium_aead},
});

}  // namespace

std::span<const Backend> built_backends() { return backends_of_build; }

std::vector<std::string_view> available_backends(std::span<const Backend> backends) {
  std::vector<std::string_view> names;
  for (const Backend& backend : backends)
    if (backend.runs_here()) names.push_back(backend.name);
  return names;
}

std::unique_ptr<Aead> make_backend(std::string_view name) {
  for (const Backend& backend : backends_of_build)
    if (backend.name == name && backend.runs_here()) return backend.make();
  return nullptr;
}

bool passes_self_test(Aead& aead) {
  // Enough packets to fill every lane and leave a rest, of sizes around the edges of blocks; and a long one alone,
  // which the vector backends handle in another way.
  constexpr std::size_t packets = 37;
  constexpr std::size_t longest = 1500;
  const std::unique_ptr<Aead> oracle = make_sodium_aead();
  AeadKey key;
  for (std::size_t i = 0; i < AeadKey::size(); ++i) key.data()[i] = static_cast<std::uint8_t>(7 * i + 1);
  std::array<std::uint8_t, longest> text;
  for (std::size_t i = 0; i < longest; ++i) text[i] = static_cast<std::uint8_t>(i);

  using Sealed = std::array<std::array<std::uint8_t, longest + 16 + aead_tag_size>, packets>;
  auto ours = std::make_unique<Sealed>();
  auto theirs = std::make_unique<Sealed>();
  std::array<SealJob, packets> our_jobs;
  std::array<SealJob, packets> their_jobs;
  std::array<OpenJob, packets> open_jobs;
  for (std::size_t i = 0; i < packets; ++i) {
    const std::size_t size = i + 1 < packets ? 9 * i % 304 : longest;
    our_jobs[i] = {{{}, ByteView(text).first(size)}, i % 16, (*ours)[i].data(), 0x0123456789abcdef * i};
    their_jobs[i] = our_jobs[i];
    their_jobs[i].out = (*theirs)[i].data();
    open_jobs[i] = {ByteSpan((*ours)[i]).first(size + i % 16 + aead_tag_size), our_jobs[i].counter};
  }
  const auto together = [](auto& jobs) { return std::span(jobs).template first<packets - 1>(); };
  const auto alone = [](auto& jobs) { return std::span(jobs).template last<1>(); };
  aead.seal_batch(key, together(our_jobs));
  aead.seal_batch(key, alone(our_jobs));
  oracle->seal_batch(key, their_jobs);
  for (std::size_t i = 0; i < packets; ++i)
    if (!std::ranges::equal(open_jobs[i].data, ByteView((*theirs)[i]).first(open_jobs[i].data.size()))) return false;

  constexpr std::size_t forged = 20;
  (*ours)[forged][0] ^= 1U;
  aead.open_batch(key, together(open_jobs));
  aead.open_batch(key, alone(open_jobs));
  for (std::size_t i = 0; i < packets; ++i) {
    if (open_jobs[i].authentic != (i != forged)) return false;
    const ByteView opened = open_jobs[i].data.first(our_jobs[i].plaintext.size());
    if (i != forged && !std::ranges::equal(our_jobs[i].plaintext.body, opened)) return false;
  }
  (*ours)[packets - 1] = (*theirs)[packets - 1];
  (*ours)[packets - 1][0] ^= 1U;
  aead.open_batch(key, alone(open_jobs));
  return !open_jobs[packets - 1].authentic;
}

namespace {

std::string listed(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

}  // namespace

Result<Choice> choose_backend(std::string_view forced, std::span<const Backend> backends) {
  Choice choice;
  for (const Backend& backend : backends) {
    if (!backend.runs_here() || (!forced.empty() && backend.name != forced)) continue;
    choice.aead = backend.make();
    if (choice.aead && passes_self_test(*choice.aead)) return choice;
    choice.failed.push_back(backend.name);
  }
  if (!choice.failed.empty())
    return fail("self-test of the cipher fails: " + listed(choice.failed), 0,
                "Leave out --cipher to get the best one that works");
  return fail("there is no cipher backend '" + std::string(forced) + "' on this machine", 0,
              "It has: " + listed(available_backends(backends)));
}

}  // namespace wg4::crypto
