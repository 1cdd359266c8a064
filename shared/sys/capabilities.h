#pragma once
// capabilities(7), given up for good.

#include <cstdint>

#include "shared/base/result.h"

namespace wg4 {

/// Of the capabilities that this thread has, keeps those of `mask` (bits 1 << CAP_...): permitted and effective;
/// nothing stays inheritable or ambient. The bounding set shrinks to `mask`, too, if CAP_SETPCAP is there to allow it;
/// who lacks that has nothing to lose there.
[[nodiscard]] Result<void> keep_capabilities(std::uint64_t mask);

}  // namespace wg4
