#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/foreground.h"
#include "shared/sys/pipe.h"
#include "shared/sys/process.h"
#include "shared/sys/process_tree.h"
#include "shared/sys/starting_command.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/in_child.h"

// What needs a terminal is in tests/netns/test_foreground.py.

namespace wg4 {
namespace {

constexpr int broken = 99;  // of a child in which the test itself went wrong

CommandStart shell(const std::string& script) {
  return {.arguments = {"sh", "-c", script}, .environment = own_environment()};
}

/// What is written to the descriptor that `body` gets; and with which status it has ended.
std::pair<std::string, int> written_by(const std::function<int(int)>& body) {
  Pipe pipe = make_pipe().value();
  const int status = in_child([&] {
    pipe.reader.reset();
    return body(pipe.writer.get());
  });
  pipe.writer.reset();
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t size = 0; (size = read(pipe.reader.get(), buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(size));
  return {text, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status)};
}

/// The message of the failure, if there is one, and the status.
std::pair<std::string, int> run(const CommandStart& request) {
  return written_by([&](int fd) {
    auto foreground = Foreground::prepare();
    if (!foreground || !foreground->start(request)) return broken;
    const auto end = foreground->wait();
    if (!end) return broken;
    const std::string message = end->failure ? end->failure->message() : "";
    if (write(fd, message.data(), message.size()) != static_cast<ssize_t>(message.size())) return broken;
    return shell_status(end->status);
  });
}

using Ended = std::pair<std::string, int>;

TEST_CASE("the status is the command's") {
  for (const int status : {0, 1, 7, 125, 126, 127, 128, 255})
    CHECK(run(shell("exit " + std::to_string(status))) == Ended("", status));
  CHECK(run(shell("kill -KILL $$")) == Ended("", 128 + SIGKILL));
  CHECK(run(shell("kill -INT $$")) == Ended("", 128 + SIGINT));
  CHECK(shell_status({.signaled = true, .value = 64}) == 192);
}

TEST_CASE("a command that cannot be started has the status of env(1), and a reason") {
  const auto start = [](const std::string& program) {
    return run({.arguments = {program}, .environment = {"PATH=/nonexistent:/bin"}});
  };
  CHECK(start("nosuch") ==
        Ended("run nosuch: No such file or directory. No folder in PATH has a program of this name", 127));
  CHECK(run({.arguments = {"sh"}, .environment = {"PATH=/nonexistent"}}).second == 127);
  CHECK(start("/no/such") == Ended("run /no/such: No such file or directory", 127));
  CHECK(start("") == Ended("run a command: its name is empty", 127));
  CHECK(start("/etc") == Ended("run /etc: Permission denied. It is a folder", 126));
  CHECK(start("/etc/passwd").second == 126);
  CHECK(start("/etc/passwd/below") == Ended("run /etc/passwd/below: Not a directory", 126));
}

TEST_CASE("a step before the command that fails is our failure, whatever its length") {
  CommandStart request = shell("exit 0");
  request.enter = [] { return Result<void>(fail("enter it", EPERM, "Ask")); };
  CHECK(run(request) == Ended("enter it: Operation not permitted. Ask", 125));
  request.enter = nullptr;
  request.confine = [] { return Result<void>(fail(std::string(10'000, 'x'))); };
  const auto [message, status] = run(request);
  CHECK(status == 125);
  CHECK(message.find_first_not_of('x') == std::string::npos);
  CHECK(message.size() > 1000);
}

TEST_CASE("the steps run in the command's process, in their order, and PATH is that of its environment") {
  const auto end = written_by([](int fd) {
    auto foreground = Foreground::prepare();
    if (!foreground || dup2(fd, STDOUT_FILENO) < 0) return broken;
    CommandStart request{.arguments = {"sh", "-c", "echo $WORD $HERE"}, .environment = {"PATH=/bin", "WORD=given"}};
    const pid_t test = getpid();
    const auto say = [test](const std::string& word) {
      return [test, word]() -> Result<void> {
        if (getpid() == test || write(STDOUT_FILENO, word.data(), word.size()) < 0) return fail("say it");
        return {};
      };
    };
    request.enter = say("enter ");
    request.confine = say("confine ");
    setenv("HERE", "ours", 1);
    setenv("PATH", "/nonexistent", 1);
    if (!foreground->start(request)) return broken;
    const auto ended = foreground->wait();
    return ended ? shell_status(ended->status) : broken;
  });
  CHECK(end == Ended("enter confine given\n", 0));
}

TEST_CASE("a command in a PID namespace is a child like any other") {
  CommandStart request = shell("test $$ = 1 && exit 9");
  request.enters_pid_namespace = true;
  request.enter = []() -> Result<void> {
    if (unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) return fail("make a PID namespace", errno);
    return {};
  };
  CHECK(run(request) == Ended("", 9));
  request.arguments = {"/nosuch"};
  CHECK(run(request).second == 127);
  request.confine = [] { return Result<void>(fail("confine it")); };
  CHECK(run(request) == Ended("confine it", 125));
  request.enter = [] { return Result<void>(fail("enter it")); };
  CHECK(run(request) == Ended("enter it", 125));
}

TEST_CASE("no process is left, whatever has happened") {
  CommandStart request = shell("exit 0");
  request.enters_pid_namespace = true;
  for (const char* const program : {"true", "/nosuch"})
    CHECK(written_by([&](int) {
            auto foreground = Foreground::prepare();
            request.arguments = {program};
            if (!foreground || !foreground->start(request) || !foreground->wait()) return broken;
            return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD ? 0 : 1;
          }) == Ended("", 0));
}

TEST_CASE("a command starts with the signals that this process was started with") {
  const auto masks = [] {
    return written_by([](int fd) {
      sigset_t blocked;
      sigemptyset(&blocked);
      sigaddset(&blocked, SIGUSR1);
      sigprocmask(SIG_SETMASK, &blocked, nullptr);
      for (int number = 1; number < NSIG; ++number) static_cast<void>(signal(number, SIG_DFL));
      static_cast<void>(signal(SIGUSR2, SIG_IGN));
      static_cast<void>(signal(SIGCHLD, SIG_IGN));
      auto foreground = Foreground::prepare();
      static_cast<void>(signal(SIGPIPE, SIG_IGN));  // as a program of ours does
      if (!foreground || dup2(fd, STDOUT_FILENO) < 0) return broken;
      if (!foreground->start(
              {.arguments = {"grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"}, .environment = own_environment()}))
        return broken;
      const auto end = foreground->wait();
      return end ? shell_status(end->status) : broken;
    });
  };
  // Bit n-1 is signal n: SIGUSR1 is 10, SIGUSR2 12, SIGCHLD 17.
  CHECK(masks() == Ended("SigBlk:\t0000000000000200\nSigIgn:\t0000000000010800\n", 0));
}

TEST_CASE("a signal with a value is passed on with it") {
  CHECK(written_by([](int) {
          sigset_t only;
          sigemptyset(&only);
          sigaddset(&only, SIGRTMIN);
          sigprocmask(SIG_BLOCK, &only, nullptr);  // so it does not end this process before the command is there
          auto foreground = Foreground::prepare();
          if (!foreground || sigqueue(getpid(), SIGRTMIN, {.sival_int = 4711}) != 0) return broken;
          CommandStart request = shell("exit 5");
          request.confine = [only]() -> Result<void> {
            siginfo_t info{};
            if (sigwaitinfo(&only, &info) == SIGRTMIN && info.si_value.sival_int == 4711) return {};
            return fail("get it");
          };
          if (!foreground->start(request)) return broken;
          const auto end = foreground->wait();
          return end ? end->status.value : broken;
        }).second == 5);
}

TEST_CASE("a descriptor that becomes readable is told of once") {
  CHECK(written_by([](int) {
          auto foreground = Foreground::prepare();
          Pipe pipe = make_pipe().value();
          pipe.writer.reset();
          int calls = 0;
          const std::array watches{Foreground::Watch{pipe.reader.get(), [&] { ++calls; }}};
          if (!foreground || !foreground->start(shell("sleep 0.1"))) return broken;
          return foreground->wait(watches) ? calls : broken;
        }).second == 1);
}

TEST_CASE("the tree of processes is known from /proc") {
  CHECK(parent_of(getpid()) == getppid());
  CHECK(descends_from(getpid(), getpid()));
  CHECK(descends_from(getpid(), getppid()));
  CHECK_FALSE(descends_from(getppid(), getpid()));
  CHECK_FALSE(descends_from(0, getpid()));
  CHECK_FALSE(descends_from(-1, getpid()));
  CHECK_FALSE(parent_of(INT_MAX).has_value());
  CHECK(WEXITSTATUS(in_child([] { return setsid() > 0 && group_is_orphaned() && !is_job_of_shell() ? 0 : 1; })) == 0);
  CHECK(WEXITSTATUS(in_child([] { return setpgid(0, 0) == 0 && is_job_of_shell() ? 0 : 1; })) == 0);
  CHECK(WEXITSTATUS(in_child([] { return setpgid(0, 0) == 0 && !group_is_orphaned() ? 0 : 1; })) == 0);
}

}  // namespace
}  // namespace wg4
