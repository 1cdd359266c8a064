#pragma once

#include <initializer_list>
#include <optional>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// Signals as a descriptor: they are blocked in the process and read in the loop, so that no code runs in a handler.
class SignalFd {
 public:
  [[nodiscard]] static Result<SignalFd> create(std::initializer_list<int> signals);

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The next pending signal's number.
  [[nodiscard]] std::optional<int> read();

 private:
  explicit SignalFd(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace wg4
