#pragma once
// Giving up capabilities(7) for good.

#include <cstdint>

#include "shared/base/result.h"

namespace wg4 {

/// Of the capabilities that this thread has, keeps those of `mask` (bits 1 << CAP_...): permitted and effective;
/// nothing stays inheritable or ambient. The bounding set is reduced to `mask`, too, if the thread has CAP_SETPCAP;
/// without it, the bounding set is of no use to it.
[[nodiscard]] Result<void> keep_capabilities(std::uint64_t mask);

}  // namespace wg4
