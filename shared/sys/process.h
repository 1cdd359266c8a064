#pragma once
// A child program that gets exactly what it is given (arguments, environment, descriptors), dies with its parent, and
// is watched through a pidfd, which cannot come to mean another process.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// The caller's descriptor `from` becomes the child's descriptor `to`.
struct InheritedFd {
  int from = -1;
  int to = -1;
};

struct SpawnRequest {
  std::string program;                   ///< path of the executable; PATH is not searched
  std::vector<std::string> arguments;    ///< argv[0] included
  std::vector<std::string> environment;  ///< "NAME=value"; nothing of ours is passed on by itself
  std::vector<InheritedFd> fds;          ///< beyond these the child has our 0, 1 and 2 and nothing else
};

/// This process's, for the children that shall have it.
[[nodiscard]] std::vector<std::string> own_environment();

/// A descriptor of the process, which is readable once that has ended and never comes to mean another one. Invalid,
/// with errno set, if there is no such process.
[[nodiscard]] UniqueFd open_pidfd(pid_t pid);
[[nodiscard]] bool process_has_ended(int pidfd);

/// How a child ended.
struct ExitStatus {
  bool signaled = false;
  int value = 0;  ///< exit status, or the number of the signal
  [[nodiscard]] bool success() const { return !signaled && value == 0; }
  /// "exited with status 1", "was killed by signal 9 (Killed)".
  [[nodiscard]] std::string to_string() const;
};

/// A running child. Destroying it kills it (SIGKILL) and reaps it; if we may not kill it (any more), it goes when we
/// do.
class Child {
 public:
  /// Returns once the program runs: a failed exec is an error here. A file on a noexec mount (a home directory, say) is
  /// run from a copy in memory. The child is killed when the calling *thread* ends (PR_SET_PDEATHSIG). SIGCHLD must not
  /// be ignored in this process.
  [[nodiscard]] static Result<Child> spawn(const SpawnRequest& request);
  /// `body` in a child without a program of its own, whose exit status is what `body` returns; killed as above. It has
  /// a copy of our memory, so this is for before secrets are read, and for a process of one thread. Of our descriptors
  /// it has `fds`, by the same numbers (above 2), and /dev/null as 0, 1 and 2. It ignores what a terminal or a service
  /// manager sends to all processes to end them, for it ends when we say so; and SIGPIPE.
  [[nodiscard]] static Result<Child> fork(std::span<const int> fds, const std::function<int()>& body);

  Child(Child&&) noexcept = default;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Readable once the child has ended; invalid after it was reaped.
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  /// Waits for the end and reaps; nothing if the child still runs after `timeout`. Not to be called again once it has
  /// told the status.
  [[nodiscard]] Result<std::optional<ExitStatus>> wait(std::chrono::milliseconds timeout);
  /// SIGKILL; wait() then returns soon.
  void kill();

 private:
  Child(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  [[nodiscard]] static Result<Child> watch(pid_t pid, const std::string& name);
  [[nodiscard]] bool try_to_kill();
  void kill_and_reap();

  pid_t pid_ = -1;
  UniqueFd pidfd_;  // invalid = nothing to reap
};

/// Closes all descriptors above 2 but those of `keep`: what others gave us without wanting to keeps their pipes open.
void close_others(std::span<const int> keep);

/// From now on nobody but root can trace this process, look into its memory or have its core: to be called before
/// secrets come there. It has no rights over its own files in /proc then, a uid_map for instance.
[[nodiscard]] Result<void> forbid_looking_in();

/// From now on the kernel kills this process when `parent` ends; false if that has happened already. Gaining privilege
/// in another user namespace clears the wish: call it again after that. Async-signal-safe.
[[nodiscard]] bool die_with_parent(pid_t parent);

}  // namespace wg4
