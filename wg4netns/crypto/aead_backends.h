#pragma once
// All implementations of the bulk cipher, and the choice between them: once, at the start, by the CPU's features and a
// known-answer test. A backend that fails its test is not used, and reported.

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

/// Longest packet that counts as small, in bytes: an acknowledgement, a ping, a short request and its response.
inline constexpr std::size_t small_packet = 192;

/// How packets that do not form a group are handled.
struct UngroupedPackets {
  std::unique_ptr<Aead> aead = nullptr;  ///< null = by the vector kernel, packet by packet
  std::size_t max_size = SIZE_MAX;       ///< bytes; if one of them is longer, the vector kernel handles them, too
  std::size_t small_batch = 0;           ///< up to this many small packets never form a group
};

[[nodiscard]] std::unique_ptr<Aead> make_lane_aead(std::string_view name, const LaneKernel& kernel, GroupCost cost,
                                                   UngroupedPackets ungrouped = {});

struct Backend {
  std::string_view name;
  bool (*runs_here)();  ///< the CPU has the instructions, and Linux saves their registers
  std::unique_ptr<Aead> (*make)();
  const LaneKernel* kernel = nullptr;  ///< of a vector backend, for benchmarks and tests of it alone
};
/// All backends of this build, the preferred one first.
[[nodiscard]] std::span<const Backend> built_backends();

/// Names of the backends that this CPU can run, the preferred one first.
[[nodiscard]] std::vector<std::string_view> available_backends(std::span<const Backend> backends = built_backends());
/// Null when this CPU can run no backend of that name.
[[nodiscard]] std::unique_ptr<Aead> make_backend(std::string_view name);
/// Seals and opens a batch and compares the results with libsodium's.
[[nodiscard]] bool passes_self_test(Aead& aead);

struct Choice {
  std::unique_ptr<Aead> aead;
  std::vector<std::string_view> failed;  ///< backends that did not pass their self-test, for the caller to report
};
/// The best backend that works; if `forced` is given, only the backend of that name.
[[nodiscard]] Result<Choice> choose_backend(std::string_view forced = {},
                                            std::span<const Backend> backends = built_backends());

}  // namespace wg4::crypto
