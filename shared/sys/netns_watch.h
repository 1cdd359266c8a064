#pragma once
// Knows when a network namespace has been given up by who made it, other than when its last process has ended
// (target_watch.h): an engine unlinks the namespace's path, or the process ends that /proc/PID/... is about.

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// The PID of a path like /proc/PID/ns/net.
[[nodiscard]] std::optional<pid_t> pid_of_path(const std::string& path);

class NetnsWatch {
 public:
  /// Watches the process (a pidfd), and the name at the end of `path` unless that is in /proc; either may be missing.
  [[nodiscard]] static Result<NetnsWatch> create(UniqueFd process, const std::string& path);

  /// Readable when gone() is to be asked.
  [[nodiscard]] std::vector<int> fds() const;
  [[nodiscard]] bool gone();

 private:
  NetnsWatch(UniqueFd process, UniqueFd folder, std::string name)
      : process_(std::move(process)), folder_(std::move(folder)), name_(std::move(name)) {}
  [[nodiscard]] bool name_gone();

  UniqueFd process_;  // a pidfd
  UniqueFd folder_;   // inotify(7)
  std::string name_;
};

}  // namespace wg4
