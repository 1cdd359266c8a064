#pragma once
// Detects that the creator of a network namespace has given it up, which may be before its last process ends
// (target_watch.h): an engine unlinks the namespace's path, or the process of /proc/PID/... ends.

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
  /// Watches the process (a pidfd), and the last name in `path` unless that is in /proc; either may be missing.
  [[nodiscard]] static Result<NetnsWatch> create(UniqueFd process, const std::string& path);

  /// When one of them is readable, call gone().
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
