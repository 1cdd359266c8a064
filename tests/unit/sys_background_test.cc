#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/background.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <functional>
#include <span>
#include <string>

namespace wg4 {
namespace {

using Body = std::function<Result<void>(UniqueFd)>;

/// The tests may be started with 0 closed, and a daemon has its own 0 to 2.
UniqueFd above_standard(int fd) {
  const UniqueFd low(fd);
  UniqueFd high(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  REQUIRE(high.valid());
  return high;
}

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    reader = above_standard(ends[0]);
    writer = above_standard(ends[1]);
  }
  UniqueFd reader;
  UniqueFd writer;
};

void say(int fd, const std::string& text) { REQUIRE(write(fd, text.data(), text.size()) == std::ssize(text)); }

std::string read_all(int fd) {
  std::string text;
  std::array<char, 256> buffer{};
  for (ssize_t got = 0; (got = read(fd, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  return text;
}

/// The stderr of a program that goes to the background, read to its end by the caller.
std::string seen_by_caller(const Body& body, std::span<const int> keep = {}) {
  Pipe standard_error;
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    dup2(standard_error.writer.get(), STDERR_FILENO);
    const auto result = run_in_background(body, keep);
    say(STDERR_FILENO, result ? "[ready]" : "[" + result.error().message() + "]");
    _exit(0);
  }
  standard_error.writer.reset();
  const std::string text = read_all(standard_error.reader.get());
  REQUIRE(waitpid(pid, nullptr, 0) == pid);
  return text;
}

TEST_CASE("the caller reads the log up to ready, and nothing keeps its stderr open") {
  Pipe life;  // the daemon lives while we hold the writer
  const std::string text = seen_by_caller(
      [&](UniqueFd ready) -> Result<void> {
        life.writer.reset();
        say(STDERR_FILENO, "a warning;");
        say(ready.get(), "1");
        ready.reset();
        read_all(life.reader.get());
        return {};
      },
      std::array{life.reader.get(), life.writer.get()});
  CHECK(text == "a warning;[ready]");
}

TEST_CASE("once it is ready, writing to stderr fails without a signal") {
  Pipe go;
  Pipe answer;
  const std::string text = seen_by_caller(
      [&](UniqueFd ready) -> Result<void> {
        go.writer.reset();
        say(ready.get(), "1");
        read_all(go.reader.get());  // the caller's process has ended
        const bool refused = write(STDERR_FILENO, "x", 1) < 0 && errno == EPERM;
        say(answer.writer.get(), refused ? "refused" : "written");
        return {};
      },
      std::array{go.reader.get(), go.writer.get(), answer.writer.get()});
  CHECK(text == "[ready]");
  go.writer.reset();
  answer.writer.reset();
  CHECK(read_all(answer.reader.get()) == "refused");
}

TEST_CASE("an error before ready is the caller's") {
  CHECK(seen_by_caller([](UniqueFd) -> Result<void> {
          say(STDERR_FILENO, "a warning;");
          return fail("open x", ENOENT, "Make it");
        }) == "a warning;[open x: No such file or directory. Make it]");
}

TEST_CASE("an end without a report is an error") {
  CHECK(seen_by_caller([](UniqueFd) -> Result<void> {
          raise(SIGKILL);
          return {};
        }) == "[the process in the background was killed by signal 9 (Killed) before it was ready]");
  CHECK(seen_by_caller([](UniqueFd) -> Result<void> { return {}; }) ==
        "[the process in the background exited with status 0 before it was ready]");
}

TEST_CASE("a session of its own, in /, with only the descriptors that it was to keep") {
  Pipe kept;
  const UniqueFd not_kept(fcntl(kept.reader.get(), F_DUPFD, 500));  // a number that is not reused
  REQUIRE(not_kept.valid());
  const std::string text = seen_by_caller(
      [&](UniqueFd ready) -> Result<void> {
        const bool leads = getsid(0) == getpid();
        std::array<char, 8> folder{};
        const bool at_root = getcwd(folder.data(), folder.size()) != nullptr && std::string(folder.data()) == "/";
        const bool has_kept = fcntl(kept.reader.get(), F_GETFD) >= 0;
        const bool has_other = fcntl(not_kept.get(), F_GETFD) >= 0;
        if (!leads || !at_root || !has_kept || has_other) return fail("not as it should be");
        say(ready.get(), "1");
        return {};
      },
      std::array{kept.reader.get()});
  CHECK(text == "[ready]");
}

TEST_CASE("ready cannot be reported to a caller that has been killed") {
  Pipe go;
  Pipe answer;
  const pid_t caller = fork();
  REQUIRE(caller >= 0);
  if (caller == 0) {
    const auto body = [&](UniqueFd ready) -> Result<void> {
      go.writer.reset();
      say(answer.writer.get(), "started, ");
      read_all(go.reader.get());
      say(answer.writer.get(), write(ready.get(), "1", 1) < 0 && errno == EPIPE ? "refused" : "written");
      return {};
    };
    static_cast<void>(run_in_background(body, std::array{go.reader.get(), go.writer.get(), answer.writer.get()}));
    _exit(0);
  }
  pollfd entry{answer.reader.get(), POLLIN, 0};
  REQUIRE(poll(&entry, 1, -1) == 1);
  kill(caller, SIGKILL);
  REQUIRE(waitpid(caller, nullptr, 0) == caller);
  go.writer.reset();
  answer.writer.reset();
  CHECK(read_all(answer.reader.get()) == "started, refused");
}

}  // namespace
}  // namespace wg4
