#pragma once
// Knows when the last process of a network namespace has ended. The namespace itself tells nobody, and our own TUN
// descriptor keeps it alive: so one process in it is watched at a time, and when that ends another is looked for.

#include <sys/types.h>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

class TargetWatch {
 public:
  /// Watches the network namespace that `pid` is in.
  [[nodiscard]] static Result<TargetWatch> create(pid_t pid);

  /// Readable when the watched process has ended; then call find_other().
  [[nodiscard]] int fd() const { return pidfd_.get(); }
  /// Goes on with another process of the namespace. False when there is none, or none that we may see.
  [[nodiscard]] bool find_other();
  /// A process of ours in the namespace, which is no reason to stay.
  void disregard(pid_t pid) { disregarded_ = pid; }

 private:
  TargetWatch(UniqueFd proc, UniqueFd pidfd, dev_t device, ino_t inode)
      : proc_(std::move(proc)), pidfd_(std::move(pidfd)), device_(device), inode_(inode) {}
  [[nodiscard]] bool is_inside(const char* pid) const;

  UniqueFd proc_;  // open since the start: the sandbox takes the path away
  UniqueFd pidfd_;
  dev_t device_;
  ino_t inode_;
  pid_t disregarded_ = -1;
};

}  // namespace wg4
