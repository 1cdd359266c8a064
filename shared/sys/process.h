#pragma once
// A child program that gets only the arguments, environment and descriptors that it is given, is killed when its parent
// ends, and is watched by a pidfd, which never refers to another process.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <initializer_list>
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
  std::vector<std::string> environment;  ///< "NAME=value"; nothing of our own environment is added
  std::vector<InheritedFd> fds;          ///< besides these the child has only our 0, 1 and 2
};

/// This process's, for the children that shall have it.
[[nodiscard]] std::vector<std::string> own_environment();

/// As execve(2) takes them, as long as `strings` are there and do not change.
[[nodiscard]] std::vector<char*> to_pointers(const std::vector<std::string>& strings);

/// A copy in memory of a program on a noexec mount (such as a home directory), to be run by its descriptor; an invalid
/// one for other programs, which are run by their path.
[[nodiscard]] Result<UniqueFd> copy_if_noexec(const std::string& path);

/// Runs the program: from its copy in memory, unless that is -1. Returns only if it cannot be run, with errno set.
/// Async-signal-safe.
void execute(const char* path, int memory_copy, char* const* arguments, char* const* environment);

/// For a process that is about to exec: gives it `fds` under their numbers, which are above 2 or overwrite 0, 1 and 2;
/// all others above 2 will be closed. `moved` are numbers of descriptors that it needs until then: they get new ones.
/// On an error, with errno set, those that were not moved yet still hold. Async-signal-safe; changes `fds`.
[[nodiscard]] bool place_descriptors(std::span<InheritedFd> fds, std::initializer_list<int*> moved);

/// A descriptor of the process, which is readable once that has ended and never comes to mean another one. Invalid,
/// with errno set, if there is no such process.
[[nodiscard]] UniqueFd open_pidfd(pid_t pid);
[[nodiscard]] bool process_has_ended(int pidfd);
/// ESRCH if it has ended, EINVAL for one outside of this process's PID namespace.
[[nodiscard]] Result<void> send_signal(int pidfd, int signal);
/// The name of the process whose folder of /proc that is, as ps(1) shows it; empty if it has ended.
[[nodiscard]] std::string process_name(const std::string& folder);
/// Reaps all children that have ended.
void reap_children();

/// How a child ended.
struct ExitStatus {
  bool signaled = false;
  int value = 0;  ///< exit status, or the number of the signal
  [[nodiscard]] bool success() const { return !signaled && value == 0; }
  /// "exited with status 1", "was killed by signal 9 (Killed)".
  [[nodiscard]] std::string to_string() const;
};

/// A running child. The destructor kills it (SIGKILL) and reaps it; a child that we may not kill (any more) ends when
/// we end.
class Child {
 public:
  /// Returns once the program runs; a failed exec is an error. A program on a noexec mount (such as a home directory)
  /// is run from a copy in memory. The child is killed when the calling *thread* ends (PR_SET_PDEATHSIG). SIGCHLD must
  /// not be ignored in this process.
  [[nodiscard]] static Result<Child> spawn(const SpawnRequest& request);
  /// Runs `body` in a forked child, whose exit status is what `body` returns; killed as above. The child has a copy of
  /// our memory, so call this before secrets are read, in a process of one thread. It has the descriptors `fds`, under
  /// the same numbers (above 2), and /dev/null as 0, 1 and 2. It ignores SIGPIPE, and the signals by which a terminal
  /// or a service manager ends all processes: its parent ends it.
  [[nodiscard]] static Result<Child> fork(std::span<const int> fds, const std::function<int()>& body);

  /// A child that was made in another way, with its pidfd.
  [[nodiscard]] static Child adopt(pid_t pid, UniqueFd pidfd) { return {pid, std::move(pidfd)}; }

  Child(Child&&) noexcept = default;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Readable once the child has ended; invalid after it was reaped.
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  /// Waits for the end and reaps the child; nothing if it still runs after `timeout`. Must not be called again after it
  /// has returned the status.
  [[nodiscard]] Result<std::optional<ExitStatus>> wait(std::chrono::milliseconds timeout);
  /// SIGKILL; wait() then returns soon.
  void kill();

 private:
  Child(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  [[nodiscard]] static Result<Child> watch(pid_t pid, const std::string& name);
  [[nodiscard]] bool try_to_kill();
  void kill_and_reap();

  pid_t pid_ = -1;
  UniqueFd pidfd_;  // invalid = no child to reap
};

/// Closes all descriptors above 2 except those in `keep`: inherited ones would keep other programs' pipes open.
void close_others(std::span<const int> keep);

/// From now on only root can trace this process, read its memory or get its core dump. To be called before secrets are
/// read. The process then also has no rights to its own files in /proc, such as uid_map.
[[nodiscard]] Result<void> forbid_looking_in();

/// From now on the kernel kills this process when `parent` ends; false if that has ended already. Gaining privilege in
/// another user namespace clears this setting: call it again after that. Async-signal-safe.
[[nodiscard]] bool die_with_parent(pid_t parent);

}  // namespace wg4
