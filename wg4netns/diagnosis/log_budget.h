#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "wg4netns/core/time.h"

namespace wg4 {

/// Limits the lines of one kind that others can make us log: even an authentic peer could repeat what causes a line
/// until the disk is full.
class LogBudget {
 public:
  /// `burst` lines at once, at least one; each comes back after `interval`.
  constexpr LogBudget(unsigned burst, Duration interval) : patience_((burst - 1) * interval), interval_(interval) {}
  constexpr LogBudget() : LogBudget(20, std::chrono::minutes(1)) {}

  /// True if a line may be written now.
  [[nodiscard]] bool take(Instant now) {
    if (all_back_ - now > patience_) {
      ++left_out_;
      return false;
    }
    all_back_ = std::max(all_back_, now) + interval_;
    return true;
  }
  /// Text for the end of the next line: how many lines were left out. Empty if there were none.
  [[nodiscard]] std::string take_left_out() {
    const std::uint64_t count = std::exchange(left_out_, 0);
    return count == 0 ? "" : " (and " + std::to_string(count) + " such lines before, which were left out)";
  }

 private:
  Duration patience_;
  Duration interval_;
  Instant all_back_{};
  std::uint64_t left_out_ = 0;
};

}  // namespace wg4
