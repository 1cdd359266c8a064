#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "shared/base/unique_fd.h"

namespace wg4 {

/// Memory and processor time of this process; works repeatedly, and with an empty root.
class ProcessUsage {
 public:
  /// To be called in the process that is measured, not before fork(2).
  [[nodiscard]] static ProcessUsage open();

  /// The time of all threads, in user and system mode.
  [[nodiscard]] static std::chrono::nanoseconds processor_time();

  struct Memory {
    std::uint64_t virtual_bytes = 0;
    std::uint64_t resident_bytes = 0;
  };
  /// Nothing if there is no /proc.
  [[nodiscard]] std::optional<Memory> memory() const;

  /// The file that memory() reads by pread(2), which a sandbox has to allow; -1 if there is none.
  [[nodiscard]] int fd() const { return statm_.get(); }

 private:
  explicit ProcessUsage(UniqueFd statm) : statm_(std::move(statm)) {}
  UniqueFd statm_;
};

}  // namespace wg4
