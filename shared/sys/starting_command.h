#pragma once
// Starts a user's command: a program that gets the terminal, descriptors and signals that this one was started with,
// and that may run in other namespaces.
//
//   this process                       the command's process
//     start() ──────── fork ─────────► enter(), confine(), exec
//     read_report() ◄── a pipe ─────── nothing: exec has closed it; or why there is no command
//
// A process joins a PID namespace for its children only. So a process in between makes the command as its own sibling,
// a child of ours like any other, says which one that is, and ends:
//
//     start() ──────── fork ─────────► enter() ── clone(CLONE_PARENT) ──► confine(), exec
//     read_report() ◄───────────────── the command's PID

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/signals.h"

namespace wg4 {

/// What is to be run. Each of our descriptors that is not close-on-exec is the command's too, as with env(1).
struct CommandStart {
  std::string program = {};              ///< a path, or is searched for in PATH as execvp(3) does; empty: arguments[0]
  std::vector<std::string> arguments;    ///< the first is the program's own name
  std::vector<std::string> environment;  ///< "NAME=value", all of it; its PATH is the one that counts
  /// Runs in the command's process: joins its namespaces. May be empty.
  std::function<Result<void>()> enter = {};
  bool enters_pid_namespace = false;
  /// Likewise, last of all before exec: gives up rights. May be empty.
  std::function<Result<void>()> confine = {};
};

/// Why a command does not run.
struct StartFailure {
  int status = 0;  ///< as of env(1): 125 the error is ours, 126 the program cannot be run, 127 it was not found
  Error error;
};

/// As execvpe(3), but it searches the PATH of the environment that it is given. `arguments` begins with the name of the
/// program, as it sees it itself; `program` is a path, or is searched for. Returns only if that fails: why.
[[nodiscard]] StartFailure run_program(const std::string& program, const std::vector<std::string>& arguments,
                                       const std::vector<std::string>& environment);

class StartingCommand {
 public:
  /// Forks. The command gets SIGKILL when the calling *thread* ends, until it runs a program that gains rights by exec
  /// (set-user-ID). It starts with `signals`.
  [[nodiscard]] static Result<StartingCommand> start(const CommandStart& request, const SignalState& signals);

  /// The command's process; as long as that is not known, the one that makes it.
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool is_known() const { return is_known_; }
  /// Readable when there is something to read; -1 once there is nothing more to come.
  [[nodiscard]] int report_fd() const { return report_.get(); }
  /// Does not wait.
  void read_report();
  [[nodiscard]] const std::optional<StartFailure>& failure() const { return failure_; }

 private:
  StartingCommand(pid_t pid, bool is_known, UniqueFd report);

  pid_t pid_;
  bool is_known_;
  UniqueFd report_;
  std::optional<StartFailure> failure_;
};

}  // namespace wg4
