#pragma once
// All implementations of the bulk cipher, and the choice between them: once, at start, by what the CPU has and by a
// known-answer test. A backend that fails its test is passed over and named.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/lanes/job.h"

namespace wg4::crypto {

/// When a group is faster than its packets one by one: if the sum of their (size + single_overhead) is not below
/// group_factor * (size of the longest + group_overhead). In bytes, as measured by tests/bench/bench_aead.cc.
struct GroupCost {
  std::size_t single_overhead;
  std::size_t group_factor;
  std::size_t group_overhead;
};
inline constexpr GroupCost always_group{0, 0, 0};
inline constexpr GroupCost never_group{0, std::size_t{1} << 32, 1};

/// Longest packet that counts as small, bytes: an acknowledgement, a ping, a question and its answer.
inline constexpr std::size_t small_packet = 192;

/// Who takes what is no group.
struct Few {
  std::unique_ptr<Aead> aead = nullptr;  ///< null = the kernel, packet by packet
  std::size_t longest = SIZE_MAX;        ///< bytes; beside a longer packet the kernel does it, too
  std::size_t small_batch = 0;           ///< so many small packets are no group, whatever that costs
};

[[nodiscard]] std::unique_ptr<Aead> make_lane_aead(std::string_view name, const LaneKernel& kernel, GroupCost cost,
                                                   Few few = {});

struct Backend {
  std::string_view name;
  bool (*runs_here)();  ///< the CPU has the instructions, and the kernel saves their registers
  std::unique_ptr<Aead> (*make)();
  const LaneKernel* kernel = nullptr;  ///< of a vector backend, to be measured and tested alone
};
/// All that this build has, the one to prefer first.
[[nodiscard]] std::span<const Backend> built_backends();

/// Names of the backends that this CPU can run, the one to prefer first.
[[nodiscard]] std::vector<std::string_view> available_backends(std::span<const Backend> backends = built_backends());
/// Null when there is none of that name here.
[[nodiscard]] std::unique_ptr<Aead> make_backend(std::string_view name);
/// Seals and opens a batch and compares it with what libsodium makes of it.
[[nodiscard]] bool passes_self_test(Aead& aead);

struct Choice {
  std::unique_ptr<Aead> aead;
  std::vector<std::string_view> failed;  ///< backends that did not pass their self-test, for the caller to tell
};
/// The best backend that works; `forced` names one that it has to be.
[[nodiscard]] Result<Choice> choose_backend(std::string_view forced = {},
                                            std::span<const Backend> backends = built_backends());

}  // namespace wg4::crypto
