#include "shared/base/unique_fd.h"
#include "shared/sys/pipe.h"
#include "shared/sys/process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>

namespace wg4 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t size = 0; (size = read(fd, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(size));
  return text;
}

SpawnRequest shell(const std::string& script) {
  return {.program = "/bin/sh", .arguments = {"sh", "-c", script}, .environment = {}, .fds = {}};
}

Child start(const SpawnRequest& request) {
  auto child = Child::spawn(request);
  REQUIRE_MESSAGE(child.has_value(), child.error().message());
  return std::move(*child);
}

ExitStatus end_of(Child& child) {
  const auto status = child.wait(seconds(20));
  REQUIRE(status.has_value());
  REQUIRE(status->has_value());
  return **status;
}

/// The standard output of a child.
std::string output_of(SpawnRequest request) {
  Pipe pipe = make_pipe().value();
  request.fds.push_back({pipe.writer.get(), STDOUT_FILENO});
  Child child = start(request);
  pipe.writer.reset();
  std::string text = read_to_end(pipe.reader.get());
  CHECK(end_of(child).success());
  return text;
}

TEST_CASE("a child gets its arguments and its environment, and nothing of ours") {
  REQUIRE(setenv("WG4_TEST_SECRET", "ours", 1) == 0);
  SpawnRequest request = shell("echo \"$0,$1,$GIVEN,$WG4_TEST_SECRET\"");
  request.arguments.insert(request.arguments.end(), {"zero", "one two"});
  request.environment = {"GIVEN=value"};
  CHECK(output_of(request) == "zero,one two,value,\n");
}

TEST_CASE("a child gets the descriptors that it is given, and no others") {
  const UniqueFd left_open(open("/dev/null", O_RDONLY));  // not close-on-exec
  const UniqueFd given(open("/dev/null", O_RDONLY | O_CLOEXEC));
  SpawnRequest request = shell("for n in $(seq 0 50); do test -e /proc/$$/fd/$n && echo -n \"$n \"; done; exit 0");
  request.fds = {{given.get(), 7}};
  REQUIRE(left_open.get() < 50);
  REQUIRE(left_open.get() != 7);
  CHECK(output_of(request) == "0 1 2 7 ");
}

TEST_CASE("descriptors may change places") {
  Pipe first = make_pipe().value();
  Pipe second = make_pipe().value();
  SpawnRequest request = shell("echo one >&$0; echo two >&$1");
  const int a = first.writer.get();
  const int b = second.writer.get();
  REQUIRE(std::max(a, b) < 10);  // the shell takes one digit
  request.arguments.insert(request.arguments.end(), {std::to_string(a), std::to_string(b)});
  request.fds = {{a, b}, {b, a}};
  Child child = start(request);
  first.writer.reset();
  second.writer.reset();
  CHECK(end_of(child).success());
  CHECK(read_to_end(first.reader.get()) == "two\n");
  CHECK(read_to_end(second.reader.get()) == "one\n");
}

TEST_CASE("the status says how a child ended") {
  Child failing = start(shell("exit 7"));
  const ExitStatus failed = end_of(failing);
  CHECK_FALSE(failed.success());
  CHECK(failed.to_string() == "exited with status 7");

  Child killed = start(shell("kill -SEGV $$"));
  CHECK(end_of(killed).to_string() == "was killed by signal 11 (Segmentation fault)");
}

TEST_CASE("a child that runs on is waited for only so long, and can be killed") {
  Child child = start(shell("exec sleep 100"));
  const auto running = child.wait(milliseconds(20));
  REQUIRE(running.has_value());
  CHECK_FALSE(running->has_value());
  child.kill();
  const ExitStatus status = end_of(child);
  CHECK(status.signaled);
  CHECK(status.value == SIGKILL);
}

TEST_CASE("the destructor kills and reaps a child") {
  pid_t pid = 0;
  {
    const Child child = start(shell("exec sleep 100"));
    pid = child.pid();
    CHECK(kill(pid, 0) == 0);
  }
  CHECK(kill(pid, 0) != 0);
  CHECK(errno == ESRCH);
}

TEST_CASE("blocked and ignored signals are not inherited") {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigset_t before;
  REQUIRE(sigprocmask(SIG_BLOCK, &blocked, &before) == 0);
  const auto old_handler = signal(SIGPIPE, SIG_IGN);
  Child terminated = start(shell("kill -TERM $$; exit 0"));
  Child piped = start(shell("kill -PIPE $$; exit 0"));
  CHECK(end_of(terminated).value == SIGTERM);
  CHECK(end_of(piped).value == SIGPIPE);
  signal(SIGPIPE, old_handler);
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("a child dies with the process that started it") {
  Pipe alive = make_pipe().value();  // ends when its last writer does
  const pid_t middle = fork();
  REQUIRE(middle >= 0);
  if (middle == 0) {
    SpawnRequest request = shell("exec sleep 100");
    request.fds = {{alive.writer.get(), 9}};
    const auto child = Child::spawn(request);
    // No destructor: the kernel has to do it.
    if (!child) _exit(1);
    _exit(0);
  }
  alive.writer.reset();
  int status = 0;
  REQUIRE(waitpid(middle, &status, 0) == middle);
  REQUIRE(status == 0);
  pollfd ended{alive.reader.get(), POLLIN, 0};
  CHECK(poll(&ended, 1, 10'000) == 1);
}

TEST_CASE("a program that cannot be run is an error of spawn()") {
  const auto error_of = [](const std::string& program) {
    const auto child = Child::spawn({.program = program, .arguments = {program}, .environment = {}, .fds = {}});
    REQUIRE_FALSE(child.has_value());
    return child.error();
  };
  CHECK(error_of("/nonexistent/program").number == ENOENT);
  CHECK(error_of("/etc/passwd").number == EACCES);
  CHECK(error_of("/etc/passwd").hint.find("chmod +x") != std::string::npos);
  CHECK(error_of("/etc").message() == "run /etc: it is not a regular file");
}

TEST_CASE("a child that shall have our environment gets all of it") {
  REQUIRE(setenv("WG4_TEST_GIVEN", "to us", 1) == 0);
  SpawnRequest request = shell("echo $WG4_TEST_GIVEN");
  request.environment = own_environment();
  unsetenv("WG4_TEST_GIVEN");
  CHECK(output_of(request) == "to us\n");
}

TEST_CASE("a pidfd tells of the end of its process") {
  auto child = Child::spawn(shell("exec sleep 100"));
  REQUIRE(child.has_value());
  const UniqueFd pidfd = open_pidfd(child->pid());
  REQUIRE(pidfd.valid());
  CHECK_FALSE(process_has_ended(pidfd.get()));
  child->kill();
  CHECK(child->wait(seconds(60)).value().has_value());
  CHECK(process_has_ended(pidfd.get()));
  CHECK_FALSE(open_pidfd(INT_MAX).valid());
  CHECK(errno == ESRCH);
}

TEST_CASE("a descriptor that is not open is an error of spawn()") {
  SpawnRequest request = shell("exit 0");
  request.fds = {{999, 3}};
  const auto child = Child::spawn(request);
  REQUIRE_FALSE(child.has_value());
  CHECK(child.error().number == EBADF);
}

}  // namespace
}  // namespace wg4
