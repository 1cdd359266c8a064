#pragma once
// Which processes are in a network namespace. The kernel has no list of them: each process is looked up in /proc.

#include <dirent.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

class NetnsProcesses {
 public:
  /// Of the namespace `netns`, without the process `except`. /proc is opened here, once: later on nothing is, so that a
  /// sandbox without files can go on looking.
  [[nodiscard]] static Result<NetnsProcesses> of(int netns, pid_t except);

  /// The pidfd of one of them; invalid when there is none, or none that this process may look at.
  [[nodiscard]] UniqueFd find_one() const;
  /// The PIDs of all of them, as this /proc shows them.
  [[nodiscard]] std::vector<pid_t> all() const;

  /// The descriptor of /proc, for a child that keeps it.
  [[nodiscard]] int fd() const { return fd_; }

 private:
  using Listing = std::unique_ptr<DIR, int (*)(DIR*)>;

  NetnsProcesses(Listing proc, dev_t device, ino_t inode, pid_t except)
      : proc_(std::move(proc)), fd_(dirfd(proc_.get())), device_(device), inode_(inode), except_(except) {}
  /// Calls `found` with each, until it returns false.
  void each(const std::function<bool(pid_t, UniqueFd)>& found) const;
  [[nodiscard]] bool is_inside(const char* pid) const;

  Listing proc_;
  int fd_;  // of the listing
  dev_t device_;
  ino_t inode_;
  pid_t except_;
};

}  // namespace wg4
