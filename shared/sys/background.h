#pragma once
// Runs a program in the background once it is ready, for callers that wait until then and not longer: Podman when it
// starts this program as pasta, OCI hooks.
//
//      caller's process                        the one that stays
//      run_in_background ──── fork ──────────► body(ready_fd), a session of its own, in /
//         waits            ◄── "1" ───────────   ready          goes on, heard by nobody
//         returns its pid  ◄── or an error ───   failed         ends
//
// The stderr of the process that stays is a file in memory. At the end of its wait the caller's process copies it to
// its own stderr and then seals it: from then on writes fail, without a signal, also in child processes. So a program
// that reads our stderr to its end does not wait for the daemon, and the file does not grow unseen.

#include <sys/types.h>

#include <functional>
#include <span>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// Where a process that stays writes what it has to say.
enum class StandardError : unsigned char {
  until_ready,  ///< to the caller's, as above
  callers,      ///< to the caller's, for good: the caller stays as well
};

/// A process that is on its way to the background.
class BackgroundStart {
 public:
  /// Runs `body` in a child. To be called before threads start and secrets are read. The child has none of this
  /// process's descriptors above 2 but `keep`. Its working directory is `/`: make paths absolute before.
  [[nodiscard]] static Result<BackgroundStart> begin(const std::function<Result<void>(UniqueFd ready_fd)>& body,
                                                     std::span<const int> keep = {},
                                                     StandardError error = StandardError::until_ready);

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Waits until "1" was written to `ready_fd` there, or returns the error if the child has failed before. If this
  /// process is killed while it waits, writing to `ready_fd` fails. To be called once.
  [[nodiscard]] Result<pid_t> wait();

 private:
  BackgroundStart(pid_t pid, UniqueFd report, UniqueFd log)
      : pid_(pid), report_(std::move(report)), log_(std::move(log)) {}

  pid_t pid_;
  UniqueFd report_;
  UniqueFd log_;
};

/// Both at once, for a process that is to end then: it closes all its descriptors above 2 but `keep`, too.
[[nodiscard]] Result<pid_t> run_in_background(const std::function<Result<void>(UniqueFd ready_fd)>& body,
                                              std::span<const int> keep = {});

}  // namespace wg4
