#pragma once
// Giving up capabilities(7) for good.

#include <cstdint>

#include "shared/base/result.h"

namespace wg4 {

/// Of the capabilities that this thread has, keeps those of `mask` (bits 1 << CAP_...): permitted and effective;
/// nothing stays inheritable or ambient. The bounding set is reduced to `mask`, too, if the thread has CAP_SETPCAP;
/// without it, the bounding set is of no use to it.
[[nodiscard]] Result<void> keep_capabilities(std::uint64_t mask);

/// Sets of capabilities, as bits 1 << CAP_...
struct CapabilityLimits {
  std::uint64_t in_effect = 0;  ///< permitted and effective
  std::uint64_t bounding = 0;   ///< what programs can still gain, for example by being run as root
};

/// The same with a bounding set of its own. An error if the bounding set has more than that afterwards.
[[nodiscard]] Result<void> limit_capabilities(const CapabilityLimits& limits);

}  // namespace wg4
