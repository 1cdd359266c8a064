#pragma once

#include "shared/sys/clock.h"
#include "wg4netns/core/time.h"

namespace wg4 {

/// The clocks, read once per turn of a loop.
[[nodiscard]] inline Now read_clocks() { return {Instant(boot_clock()), WallTime(wall_clock())}; }

}  // namespace wg4
