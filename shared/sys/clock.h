#pragma once
// The only place that reads clocks, and the timer that wakes the loop.

#include <chrono>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// CLOCK_BOOTTIME since boot: goes on in suspend.
[[nodiscard]] std::chrono::nanoseconds boot_clock();
/// CLOCK_MONOTONIC since boot: stands still in suspend.
[[nodiscard]] std::chrono::nanoseconds monotonic_clock();
/// CLOCK_REALTIME since 1970.
[[nodiscard]] std::chrono::nanoseconds wall_clock();

/// A descriptor that becomes readable at an instant of CLOCK_BOOTTIME.
class BootTimer {
 public:
  [[nodiscard]] static Result<BootTimer> create();

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Costs a system call only when `deadline` differs from what is armed.
  void arm(std::chrono::nanoseconds deadline);
  void disarm() { arm(disarmed); }
  /// To be called when fd() was readable.
  void acknowledge();

 private:
  static constexpr std::chrono::nanoseconds disarmed{0};
  explicit BootTimer(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  std::chrono::nanoseconds armed_ = disarmed;
};

}  // namespace wg4
