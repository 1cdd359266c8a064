#pragma once
// Time is an input. The edge reads the clocks once per turn of its loop and passes the result in.

#include <chrono>
#include <cstdint>

namespace wg4 {

/// CLOCK_BOOTTIME: monotonic, and goes on while the machine is suspended, so that keys age as they should.
/// It has no now(): nothing below the edge reads a clock.
struct BootTime {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootTime, duration>;
  static constexpr bool is_steady = true;
};

using Duration = BootTime::duration;
using Instant = BootTime::time_point;
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

struct Now {
  Instant boot;
  WallTime wall;
};

}  // namespace wg4
