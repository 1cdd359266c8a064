#pragma once
// All implementations of the bulk cipher, and the choice between them: once, at start, by what the CPU has and by a
// known-answer test. A backend that fails its test is passed over and named.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/lane_job.h"

namespace wg4::crypto {

/// A kernel with `single` for what does not fill its lanes. From `break_even` packets of one size it is faster.
[[nodiscard]] std::unique_ptr<Aead> make_lane_aead(std::string_view name, const LaneKernel& kernel,
                                                   std::size_t break_even, std::unique_ptr<Aead> single);

/// Names of the backends that this build has and this CPU can run, the one to prefer first.
[[nodiscard]] std::vector<std::string_view> available_backends();
/// Null when there is none of that name here.
[[nodiscard]] std::unique_ptr<Aead> make_backend(std::string_view name);
/// Seals and opens a batch and compares it with what libsodium makes of it.
[[nodiscard]] bool passes_self_test(Aead& aead);

struct Choice {
  std::unique_ptr<Aead> aead;
  std::vector<std::string_view> failed;  ///< backends that did not pass their self-test
};
/// The best backend that works; `forced` names one that it has to be.
[[nodiscard]] Result<Choice> choose_backend(const std::string& forced = {});

}  // namespace wg4::crypto
