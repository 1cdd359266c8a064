#include "netns-helper/container/command_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <expected>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "netns-helper/container/channel.h"
#include "netns-helper/container/command_rights.h"
#include "netns-helper/container/container.h"
#include "shared/base/escaped_text.h"
#include "shared/sys/deadline.h"
#include "shared/sys/pipe.h"
#include "shared/sys/process.h"
#include "shared/sys/starting_command.h"
#include "shared/sys/syscall_filter.h"

namespace wg4::container {
namespace {

constexpr std::chrono::seconds time_to_tell{5};
constexpr int our_failure = 125;

/// All are closed at exec but the standard streams and the extra files.
Result<void> take_descriptors(const SetUp& set_up, std::initializer_list<int*> moved) {
  std::vector<InheritedFd> fds;
  int next = init_socket + 1;
  fds.reserve(set_up.extra_files.size());
  for (const int number : set_up.extra_files) fds.push_back({next++, number});
  if (!place_descriptors(fds, moved)) return fail("pass descriptors to the command", errno);
  return {};
}

Result<void> enter_directory(const SetUp& set_up) {
  const std::string& path = set_up.container.directory;
  if (chdir(path.c_str()) == 0) return {};
  const int number = errno;
  for (const std::string& other : set_up.container.else_directories)
    if (chdir(other.c_str()) == 0) return {};
  return fail("enter " + printable(path) + " in the container", number,
              number == ENOENT ? "It must be made by an operation, such as a bind of it" : "");
}

/// The init has blocked all signals, and has nothing ignored that its starter has not.
void take_signals(const SetUp& set_up) {
  sigset_t blocked;
  sigemptyset(&blocked);
  for (int signal = 1; signal <= max_signal; ++signal)
    if ((set_up.blocked_signals >> static_cast<unsigned>(signal - 1) & 1U) != 0) sigaddset(&blocked, signal);
  sigprocmask(SIG_SETMASK, &blocked, nullptr);
}

Result<void> prepare(const SetUp& set_up, std::initializer_list<int*> moved) {
  TRY(take_descriptors(set_up, moved));
  TRY(enter_directory(set_up));
  TRY(restrict_by_landlock_of(set_up.container));
  take_signals(set_up);
  for (const FilterProgram& program : set_up.filters) TRY(install_filter(program, set_up.container.log_denied));
  return {};
}

/// Whether the command runs: exec has closed the pipe.
bool is_running(int pipe) {
  char byte = 0;
  ssize_t size = 0;
  do size = read(pipe, &byte, 1);
  while (size < 0 && errno == EINTR);
  return size == 0;
}

[[noreturn]] void run_child(const SetUp& set_up, int socket, int pipe) {
  const Failure failure = run_command(set_up, {&socket, &pipe});
  std::ignore = send(socket, failure, deadline_in(time_to_tell));
  [[maybe_unused]] const ssize_t written = write(pipe, "x", 1);
  _exit(failure.status);
}

}  // namespace

Failure run_command(const SetUp& set_up, std::initializer_list<int*> moved) {
  const Container& container = set_up.container;
  if (const auto prepared = prepare(set_up, moved); !prepared) return {prepared.error(), our_failure};
  const std::string& program = container.path.empty() ? container.arguments.front() : container.path;
  StartFailure failure = run_program(program, container.arguments, container.environment);
  return {std::move(failure.error), failure.status};
}

Result<StartedCommand> start_command(const SetUp& set_up, int socket) {
  Pipe pipe = TRY(make_pipe());
  const pid_t pid = fork();
  if (pid < 0) return fail("start a process in the container", errno);
  if (pid == 0) run_child(set_up, socket, pipe.writer.get());
  pipe.writer.reset();
  if (is_running(pipe.reader.get())) return StartedCommand{.pid = pid};
  int status = 0;
  waitpid(pid, &status, 0);
  return StartedCommand{.pid = pid, .failure_status = WIFEXITED(status) ? WEXITSTATUS(status) : our_failure};
}

}  // namespace wg4::container
