#pragma once

#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// A descriptor that one thread waits for, and another makes readable (eventfd(2)).
class WakeUp {
 public:
  [[nodiscard]] static Result<WakeUp> create();
  /// Readable from wake() on, until acknowledge().
  [[nodiscard]] int fd() const { return fd_.get(); }
  void wake() const;
  void acknowledge() const;

 private:
  explicit WakeUp(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace wg4
