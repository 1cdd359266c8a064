#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "shared/base/unique_fd.h"

namespace wg4 {

/// What this process uses, to be asked again and again, in an emptied root, too.
class ProcessUsage {
 public:
  /// In the process that will ask: not before fork(2).
  [[nodiscard]] static ProcessUsage open();

  /// Of all threads, in user and system mode.
  [[nodiscard]] static std::chrono::nanoseconds processor_time();

  struct Memory {
    std::uint64_t virtual_bytes = 0;
    std::uint64_t resident_bytes = 0;
  };
  /// Nothing where there is no /proc.
  [[nodiscard]] std::optional<Memory> memory() const;

  /// Read by pread(2), which a sandbox has to leave for it; -1 if there is none.
  [[nodiscard]] int fd() const { return statm_.get(); }

 private:
  explicit ProcessUsage(UniqueFd statm) : statm_(std::move(statm)) {}
  UniqueFd statm_;
};

}  // namespace wg4
