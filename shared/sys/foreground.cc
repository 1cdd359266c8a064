#include "shared/sys/foreground.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>

#include "shared/sys/process_tree.h"

namespace wg4 {
namespace {

constexpr int kernel_sent = 0x80;  // SI_KERNEL, which is not a macro everywhere
constexpr int signal_base = 128;

/// The terminal driver signals the whole foreground group. But a hang-up is for the session's leader alone, and a timer
/// (alarm(2), which survives exec) for the process that has set it.
bool reached_the_group(const signalfd_siginfo& signal) {
  if (signal.ssi_code != kernel_sent) return false;
  switch (signal.ssi_signo) {
    case SIGINT:
    case SIGQUIT:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGWINCH:
      return true;
    case SIGHUP:
    case SIGCONT:
      return getsid(0) != getpid();
    default:
      return false;
  }
}

bool is_from_process(const signalfd_siginfo& signal) {
  return signal.ssi_code == SI_USER || signal.ssi_code == SI_QUEUE || signal.ssi_code == SI_TKILL;
}

sigset_t set_of(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return set;
}

/// Takes a blocked signal's default action. Returns if that was a stop, and somebody has continued us; and at once in
/// an orphaned process group, which SIGTSTP, SIGTTIN and SIGTTOU do not stop.
void take_default_action(int signal) {
  const sigset_t only = set_of(signal);
  static_cast<void>(std::signal(signal, SIG_DFL));
  kill(getpid(), signal);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
  sigprocmask(SIG_BLOCK, &only, nullptr);
}

/// Takes the SIGCONT that has ended a stop.
bool was_continued() {
  const sigset_t only = set_of(SIGCONT);
  const timespec at_once{};
  return sigtimedwait(&only, nullptr, &at_once) == SIGCONT;
}

}  // namespace

int shell_status(const ExitStatus& status) { return status.signaled ? signal_base + status.value : status.value; }

Foreground::Foreground(SignalState inherited, SignalFd signals, Terminal terminal)
    : inherited_(inherited), signals_(std::move(signals)), terminal_(std::move(terminal)) {
  sigemptyset(&keys_);
}

Result<Foreground> Foreground::prepare() {
  const SignalState inherited = SignalState::current();
  static_cast<void>(std::signal(SIGCHLD, SIG_DFL));  // where it is ignored, children end without a status
  sigset_t all;
  sigfillset(&all);
  return Foreground(inherited, TRY(SignalFd::create(all)), Terminal::open_own());
}

Result<void> Foreground::start(const CommandStart& request) {
  command_ = TRY(StartingCommand::start(request, inherited_));
  return {};
}

Result<CommandEnd> Foreground::wait(std::span<const Watch> watches) {
  std::vector<pollfd> entries{{signals_.fd(), POLLIN, 0}, {-1, POLLIN, 0}};
  const std::size_t first = entries.size();
  for (const Watch& watch : watches) entries.push_back({watch.fd, POLLIN, 0});
  for (;;) {
    if (const auto status = TRY(follow_command())) {
      if (command_->failure()) return CommandEnd{{false, command_->failure()->status}, command_->failure()->error};
      return CommandEnd{*status, std::nullopt};
    }
    entries[1].fd = command_->report_fd();
    if (poll(entries.data(), entries.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return fail("wait for the command", errno);
    }
    if (entries[0].revents != 0) take_signals();
    if (entries[1].revents != 0) read_report();
    // The command first: what is watched may have ended because the command has.
    if (entries[0].revents != 0 || entries[1].revents != 0) continue;
    for (std::size_t i = 0; i < watches.size(); ++i)
      if (entries[first + i].revents != 0) {
        entries[first + i].fd = -1;
        watches[i].on_readable();
      }
  }
}

/// Its status if it has ended; else all of its stops until now were followed.
Result<std::optional<ExitStatus>> Foreground::follow_command() {
  bool is_to_continue = false;
  for (;;) {
    const pid_t pid = command_->pid();
    const pid_t group = getpgid(pid);
    siginfo_t change{};
    if (waitid(P_PID, static_cast<id_t>(pid), &change, WEXITED | WSTOPPED | WCONTINUED | WNOHANG) != 0)
      return fail("wait for process " + std::to_string(pid), errno);
    if (change.si_pid == 0) {
      // Not continued yet: it is in another process group, or the SIGCONT was for us alone.
      if (is_to_continue) kill(group == getpgrp() ? pid : -group, SIGCONT);
      return std::nullopt;
    }
    is_to_continue = false;
    if (change.si_code == CLD_STOPPED) is_to_continue = stop_as_well(change.si_status, group);
    if (change.si_code == CLD_STOPPED || change.si_code == CLD_CONTINUED || change.si_code == CLD_TRAPPED) continue;

    read_report();
    if (command_->pid() != pid) continue;  // only the process in between has ended
    give_terminal_back(group);
    return ExitStatus{change.si_code != CLD_EXITED, change.si_status};
  }
}

/// The command, whose group this is, was stopped by `signal`. True if the command is to be continued now.
bool Foreground::stop_as_well(int signal, pid_t group) {
  const pid_t own = getpgrp();
  const pid_t reader = terminal_.foreground_group();
  // It has a group of its own and wants the terminal, which the shell has given to us: an inner shell does so when it
  // is continued in the foreground.
  if ((signal == SIGTTIN || signal == SIGTTOU) && group != own && reader == own) {
    terminal_.give_to(group);
    return true;
  }
  if (signal == SIGSTOP && group_is_orphaned()) return false;  // nobody would continue us
  take_default_action(signal);
  if (!was_continued()) return false;
  // The shell has taken the terminal, and may have given it to us again.
  const bool was_its = reader == group || descends_from(reader, command_->pid());
  if (reader != own && was_its && terminal_.foreground_group() == own) terminal_.give_to(reader);
  return true;
}

/// The command, which was in `group`, has ended.
void Foreground::give_terminal_back(pid_t group) const {
  const pid_t own = getpgrp();
  if (group != own && terminal_.foreground_group() == group) terminal_.give_to(own);
}

void Foreground::take_signals() {
  while (const auto signal = signals_.read_info()) take(*signal);
}

void Foreground::take(const signalfd_siginfo& signal) {
  if (signal.ssi_signo == SIGCHLD && !is_from_process(signal)) return;
  if (reached_the_group(signal)) {
    sigaddset(&keys_, static_cast<int>(signal.ssi_signo));
    return;
  }
  const auto sender = static_cast<pid_t>(signal.ssi_pid);  // 0: in a PID namespace that we do not see
  if (is_from_process(signal) && sender != 0 && descends_from(sender, command_->pid())) return;
  if (command_->is_known())
    pass_on(signal);
  else
    waiting_.push_back(signal);
}

void Foreground::pass_on(const signalfd_siginfo& signal) const {
  const auto number = static_cast<int>(signal.ssi_signo);
  if (signal.ssi_code != SI_QUEUE) {
    kill(command_->pid(), number);
    return;
  }
  sigval value{};
  static_assert(sizeof value == sizeof signal.ssi_ptr);
  std::memcpy(&value, &signal.ssi_ptr, sizeof value);
  sigqueue(command_->pid(), number, value);
}

pid_t Foreground::await_pid() {
  while (!command_->is_known() && command_->report_fd() >= 0) {
    pollfd entry{command_->report_fd(), POLLIN, 0};
    if (poll(&entry, 1, -1) > 0) read_report();
  }
  return command_->pid();
}

void Foreground::read_report() {
  command_->read_report();
  if (!command_->is_known()) return;
  for (const signalfd_siginfo& signal : waiting_) pass_on(signal);
  waiting_.clear();
}

int Foreground::end_as(const ExitStatus& status) const {
  // The shell of a script outlives a key of the terminal; it ends the script only if it sees that a signal has ended
  // us.
  if (status.signaled && (is_job_of_shell() || sigismember(&keys_, status.value) == 1)) {
    const rlimit none{};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // for a program that collects cores, whatever the limit is
    take_default_action(status.value);
  }
  return shell_status(status);
}

}  // namespace wg4
