#include "shared/sys/starting_command.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "shared/sys/pipe.h"
#include "shared/sys/process.h"

namespace wg4 {
namespace {

constexpr int our_failure = 125;
constexpr int cannot_run = 126;
constexpr int not_found = 127;

/// What goes through the pipe: small enough that it is read as it was written, in one piece.
struct Report {
  pid_t pid = 0;   // of the command; 0: there is none, and the rest says why
  int status = 0;  // StartFailure
  int number = 0;  // Error
  std::array<char, 1800> what{};
  std::array<char, 1800> hint{};
};
static_assert(sizeof(Report) <= PIPE_BUF);

void send(int pipe, const Report& report) {
  [[maybe_unused]] const ssize_t written = write(pipe, &report, sizeof report);
}

[[noreturn]] void give_up(int pipe, int status, const Error& error) {
  Report report{.pid = 0, .status = status, .number = error.number};
  error.what.copy(report.what.data(), report.what.size() - 1);
  error.hint.copy(report.hint.data(), report.hint.size() - 1);
  send(pipe, report);
  _exit(status);
}

/// From now on the kernel kills this process when its parent ends, which reads the pipe; exits at once if the parent
/// has ended already. The kernel closes a process' descriptors before it signals its children, so no moment is left
/// out. (getppid() says nothing in a PID namespace that the parent is not in.)
void die_with_reader(int pipe) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd entry{pipe, 0, 0};
  if (poll(&entry, 1, 0) > 0) _exit(our_failure);
}

bool is_folder(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// True if a folder in PATH has an entry of this name, executable or not.
bool is_in_path(const std::string& name) {
  const char* const path = getenv("PATH");
  std::string_view folders = path == nullptr ? "/bin:/usr/bin" : path;
  for (bool is_last = false; !is_last;) {
    const std::size_t end = std::min(folders.find(':'), folders.size());
    std::string file(folders.substr(0, end));
    if (!file.empty()) file += '/';
    if (access((file + name).c_str(), F_OK) == 0) return true;
    is_last = end == folders.size();
    if (!is_last) folders.remove_prefix(end + 1);
  }
  return false;
}

/// Why exec has failed with this errno. execvp(3) says EACCES as well if a folder in PATH could not be searched: for a
/// shell the program is not found then, and so it is here.
StartFailure explain(const std::string& program, int number) {
  const auto because = [&](int status, std::string hint) {
    return StartFailure{status, {"run " + program, status == not_found ? ENOENT : number, std::move(hint)}};
  };
  const bool is_path = program.contains('/');
  if (program.empty()) return {not_found, {"run a command: its name is empty", 0, {}}};
  if (!is_path && (number == ENOENT || number == EACCES) && !is_in_path(program))
    return because(not_found, "No folder in PATH has a program of this name");
  if (number == ENOENT && (!is_path || access(program.c_str(), F_OK) == 0))
    return because(not_found, "The file is there, but the interpreter that it names is not");
  if (number == ENOENT) return because(not_found, "");
  if (number == EACCES && is_path && is_folder(program)) return because(cannot_run, "It is a folder");
  if (number == EACCES)
    return because(cannot_run,
                   "It must be executable (chmod +x), in folders that you may search, on a mount without noexec");
  return because(cannot_run, "");
}

[[noreturn]] void exec_command(const CommandStart& request, int pipe) {
  const StartFailure failure = run_program(request.program.empty() ? request.arguments.front() : request.program,
                                           request.arguments, request.environment);
  give_up(pipe, failure.status, failure.error);
}

[[noreturn]] void confine_and_exec(const CommandStart& request, const SignalState& signals, int pipe) {
  if (request.confine)
    if (const auto confined = request.confine(); !confined) give_up(pipe, our_failure, confined.error());
  die_with_reader(pipe);  // again: the kernel forgets it when a process joins a user namespace or gives up rights
  signals.restore_actions();
  exec_command(request, pipe);
}

/// In the process in between. No signal may end it before it has said which process is the command.
[[noreturn]] void make_sibling(const CommandStart& request, const SignalState& signals, int pipe) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  const auto pid = static_cast<pid_t>(syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (pid < 0) give_up(pipe, our_failure, {"start a process in the PID namespace", errno, {}});
  if (pid == 0) {
    die_with_reader(pipe);
    signals.restore_mask();
    confine_and_exec(request, signals, pipe);
  }
  send(pipe, {.pid = pid});
  _exit(EXIT_SUCCESS);
}

/// Waits until the other end is closed.
void wait_for_end(int pipe) {
  char nothing = 0;
  while (read(pipe, &nothing, 1) < 0 && errno == EINTR) {
  }
}

[[noreturn]] void run_child(const CommandStart& request, const SignalState& signals, int pipe) {
  die_with_reader(pipe);
  if (request.enter)
    if (const auto entered = request.enter(); !entered) give_up(pipe, our_failure, entered.error());
  if (!request.enters_pid_namespace) confine_and_exec(request, signals, pipe);
  die_with_reader(pipe);
  make_sibling(request, signals, pipe);
}

}  // namespace

StartFailure run_program(const std::string& program, const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment) {
  const auto pointers = to_pointers(arguments);
  auto variables = to_pointers(environment);
  environ = variables.data();
  execvp(program.c_str(), pointers.data());
  return explain(program, errno);
}

StartingCommand::StartingCommand(pid_t pid, bool is_known, UniqueFd report)
    : pid_(pid), is_known_(is_known), report_(std::move(report)) {}

Result<StartingCommand> StartingCommand::start(const CommandStart& request, const SignalState& signals) {
  if (request.arguments.empty()) return fail("run a command: there is none");
  Pipe pipe = TRY(make_pipe(O_NONBLOCK));

  Pipe hold = TRY(make_pipe());

  // A signal that came before the fork was for this process alone, and has its action here; one that comes after it is
  // for both. Blocked, it would stay here, and nobody could tell. The command waits until signals are blocked again:
  // a process that has seen it run may send us some to be passed on.
  sigset_t blocked;
  sigprocmask(SIG_BLOCK, nullptr, &blocked);
  signals.restore_mask();
  const pid_t pid = fork();
  if (pid == 0) {
    pipe.reader.reset();
    hold.writer.reset();
    wait_for_end(hold.reader.get());
    run_child(request, signals, pipe.writer.get());
  }
  const int number = errno;
  sigprocmask(SIG_SETMASK, &blocked, nullptr);
  if (pid < 0) return fail("start a process for " + request.arguments.front(), number);
  return StartingCommand(pid, !request.enters_pid_namespace, std::move(pipe.reader));
}

void StartingCommand::read_report() {
  Report report;
  while (report_.valid()) {
    const ssize_t size = read(report_.get(), &report, sizeof report);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size != static_cast<ssize_t>(sizeof report)) return report_.reset();  // exec has closed it
    if (report.pid == 0) {
      failure_ = {report.status, {report.what.data(), report.number, report.hint.data()}};
    } else {
      waitpid(pid_, nullptr, 0);  // it ends now, if it was not reaped before
      pid_ = report.pid;
      is_known_ = true;
    }
  }
}

}  // namespace wg4
