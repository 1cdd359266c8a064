#pragma once

#include <chrono>

#include "wg4netns/core/time.h"

namespace wg4::test {

/// The clocks of one machine. Simulated time is the same for all machines, but each machine's clocks show it in their
/// own way. A suspended machine needs nothing here: its boot clock goes on, so it sees a jump when it wakes up.
class FakeClock {
 public:
  explicit FakeClock(Duration uptime_at_start) : uptime_at_start_(uptime_at_start) {}

  /// The reading at `elapsed` since the simulation began.
  [[nodiscard]] Now at(Duration elapsed) const {
    return {Instant{uptime_at_start_ + elapsed}, WallTime{wall_at_start + elapsed + wall_ahead_}};
  }
  /// The inverse: when, since the simulation began, the boot clock shows `instant`.
  [[nodiscard]] Duration elapsed_at(Instant instant) const { return instant.time_since_epoch() - uptime_at_start_; }

  /// Sets the wall clock: from now on it is ahead of the correct time by this, or behind it.
  void set_wall_ahead(Duration by) { wall_ahead_ = by; }
  [[nodiscard]] Duration wall_ahead() const { return wall_ahead_; }

 private:
  static constexpr Duration wall_at_start = std::chrono::sys_days{std::chrono::year{2024} / 1 / 1}.time_since_epoch();

  Duration uptime_at_start_;
  Duration wall_ahead_{};
};

}  // namespace wg4::test
