#pragma once

#include <sys/types.h>

#include <utility>

#include "shared/base/unique_fd.h"

namespace wg4 {

/// The controlling terminal of this process, or none: then it has no foreground group.
class Terminal {
 public:
  [[nodiscard]] static Terminal open_own();

  /// The process group that reads from it, and gets the signals of its keys; -1 without a terminal, 0 for a group that
  /// this PID namespace does not show.
  [[nodiscard]] pid_t foreground_group() const;
  /// SIGTTOU must be blocked or ignored: the kernel sends it to a caller whose group is not in the foreground.
  void give_to(pid_t group) const;

 private:
  explicit Terminal(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace wg4
