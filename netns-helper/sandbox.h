#pragma once
// What this process gives up. It works among processes that it has no reason to trust, with rights over their
// network: it should hold little, for a short time, and outlive nobody.

#include <sys/types.h>

#include <cstdint>

#include "shared/base/result.h"

namespace wg4 {

/// No new privileges (so that no exec could gain any), no descriptors but 0, 1, 2 and `keep`.
[[nodiscard]] Result<void> protect_process(int keep);

/// Not traceable by others, ended by the end of `parent`. Joining a user namespace takes both back: call it again.
[[nodiscard]] Result<void> stay_with_parent(pid_t parent);

/// Drops all capabilities but those in `mask` (bit numbers are CAP_*), for good.
[[nodiscard]] Result<void> keep_capabilities(std::uint64_t mask);

}  // namespace wg4
