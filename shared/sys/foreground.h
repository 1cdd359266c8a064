#pragma once
// Stands between a shell and a command that runs for us, so that each sees what it would see without us.
//
//   shell ── starts, stops, continues, awaits ──► this process ── passes on ──► the command
//   terminal ── signals of its keys ────────────► both: they are in one session and process group
//
// Signals. What the terminal sends goes to the whole group, so the command has it already. What a process sends to us
// is meant for the command, and is passed on. What the command or its descendants send is not: they signal their own
// group (kill(0, SIGTSTP)) or everybody (kill(-1, SIGTERM)), and would get the signal back. (sudo passes on nothing
// that comes from its own process group; but a script without job control, which is in that group, may well end us by
// our PID.) A signal that a process sends to the whole group arrives twice at the command: nothing tells it from one
// for us alone.
//
// Stops. When the command stops, we stop by the same signal, so the shell sees its job stopped. When we are continued,
// so is the command, with the terminal where it was. A SIGSTOP for us alone cannot be passed on: the command goes on.
//
// The terminal. A command that is a shell makes process groups of its own and gives them the terminal. When it has
// ended without giving it back, or cannot do so because our group is not in its PID namespace, we do.

#include <sys/types.h>

#include <csignal>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "shared/base/result.h"
#include "shared/sys/process.h"
#include "shared/sys/signals.h"
#include "shared/sys/starting_command.h"
#include "shared/sys/terminal.h"

namespace wg4 {

/// How a command ended: its own status, or that of the failure to start it.
struct CommandEnd {
  ExitStatus status;
  std::optional<Error> failure;  ///< why it did not run: the status is 125 (our error), 126 or 127
};

/// 128+n for a signal, else the status, as in a shell's $?.
[[nodiscard]] int shell_status(const ExitStatus& status);

class Foreground {
 public:
  struct Watch {
    int fd = -1;
    std::function<void()> on_readable;  ///< called once
  };

  /// Blocks all signals, until start() and after it; those that come in between wait. To be called before this program
  /// changes its signals, in a process of one thread; children that are forked later have to unblock theirs, as
  /// Child's do.
  [[nodiscard]] static Result<Foreground> prepare();

  /// Starts the command, with the signals that this process was started with. (What was sent to us until now ends or
  /// stops us now, for there is no command yet.)
  [[nodiscard]] Result<void> start(const CommandStart& request);
  /// Waits until the command has ended. An error means that we cannot wait for it.
  [[nodiscard]] Result<CommandEnd> wait(std::span<const Watch> watches = {});

  /// The command's process, from start() on; of a command that enters a PID namespace, at first the one that makes it.
  [[nodiscard]] pid_t pid() const { return command_->pid(); }

  /// Waits for that: gives the command's own process, unless it has not come to be.
  [[nodiscard]] pid_t await_pid();

  /// To be called last of all: the status with which this process has to end; or ends it by the signal that has ended
  /// the command, without a core dump, where that makes a difference: a shell takes its terminal back as it was, and
  /// leaves a loop at ^C, only if it sees a signal. Everybody else gets 128+n.
  [[nodiscard]] int end_as(const ExitStatus& status) const;

 private:
  Foreground(SignalState inherited, SignalFd signals, Terminal terminal);

  [[nodiscard]] Result<std::optional<ExitStatus>> follow_command();
  [[nodiscard]] bool stop_as_well(int signal, pid_t group);
  void give_terminal_back(pid_t group) const;
  void take_signals();
  void take(const signalfd_siginfo& signal);
  void pass_on(const signalfd_siginfo& signal) const;
  void read_report();

  SignalState inherited_;
  SignalFd signals_;
  Terminal terminal_;
  std::optional<StartingCommand> command_;
  std::vector<signalfd_siginfo> waiting_;  // for the command's process to be known
  sigset_t keys_{};                        // signals that the keys of the terminal have sent to the group
};

}  // namespace wg4
