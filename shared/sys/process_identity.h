#pragma once
// A process as it can be written down. A PID alone will not do: once its process has ended it may be that of another,
// and in another PID namespace it always is.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace wg4 {

struct ProcessIdentity {
  ino_t pid_namespace = 0;  ///< in which `pid` is the process
  pid_t pid = 0;
  std::uint64_t start = 0;  ///< in clock ticks since the system's (proc_pid_stat(5), field 22)

  /// The process that has this PID in the caller's PID namespace. An error if it has ended, or if this /proc does not
  /// show it.
  [[nodiscard]] static Result<ProcessIdentity> of(pid_t pid);

  /// "4026531836.4711.123456", which can be a file's name.
  [[nodiscard]] std::string to_string() const;
  /// Its inverse; nothing for any other text.
  [[nodiscard]] static std::optional<ProcessIdentity> parse(std::string_view text);

  /// True if the caller can tell that it has: it cannot for a process of another PID namespace.
  [[nodiscard]] bool has_ended() const;

  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

}  // namespace wg4
