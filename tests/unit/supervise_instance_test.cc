// An instance, with scripts in the place of this program.

#include "wg4netns/supervise/instance.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/sys/process.h"

namespace wg4 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int hang_ms = 20'000;

/// A program that is a script of a shell.
class Script {
 public:
  explicit Script(const std::string& text) {
    const UniqueFd file(mkostemp(path_.data(), O_CLOEXEC));
    REQUIRE(file.valid());
    REQUIRE(fchmod(file.get(), 0700) == 0);
    std::ofstream(path_) << "#!/bin/sh\n" << text << "\n";
  }
  ~Script() { unlink(path_.c_str()); }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  [[nodiscard]] Instance start(std::vector<std::string> arguments = {}, std::vector<InheritedFd> fds = {}) const {
    auto instance = Instance::start({.arguments = std::move(arguments), .fds = std::move(fds), .program = path_});
    REQUIRE_MESSAGE(instance.has_value(), instance.error().message());
    return *std::move(instance);
  }

 private:
  std::string path_ = "/tmp/wg4-instance-XXXXXX";
};

bool readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, hang_ms) == 1;
}

/// As an owner's loop does, until it has ended.
void follow_to_end(Instance& instance) {
  while (instance.state() != Instance::State::ended) {
    std::array<pollfd, 3> fds{
        {{instance.ready_fd(), POLLIN, 0}, {instance.output_fd(), POLLIN, 0}, {instance.end_fd(), POLLIN, 0}}};
    REQUIRE(poll(fds.data(), fds.size(), hang_ms) > 0);
    if (fds[0].revents != 0) instance.take_ready();
    if (fds[1].revents != 0) instance.pass_on();
    if (fds[2].revents != 0) instance.take_end();
  }
}

/// What is written to standard error meanwhile.
class Overheard {
 public:
  Overheard() : before_(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10)) { REQUIRE(dup2(fileno(file_), STDERR_FILENO) >= 0); }
  ~Overheard() {
    dup2(before_.get(), STDERR_FILENO);
    std::fclose(file_);
  }
  Overheard(const Overheard&) = delete;
  Overheard& operator=(const Overheard&) = delete;
  [[nodiscard]] std::string text() const {
    std::string text(1UL << 20, '\0');
    const ssize_t got = pread(fileno(file_), text.data(), text.size(), 0);
    REQUIRE(got >= 0);
    text.resize(static_cast<std::size_t>(got));
    return text;
  }

 private:
  std::FILE* file_ = std::tmpfile();
  UniqueFd before_;
};

TEST_CASE("it becomes ready, goes on, and says what it has to say") {
  const Overheard overheard;
  const Script script("echo up >&2; printf 1 >&3; exec 3>&-; exec sleep 1000");
  Instance instance = script.start();
  CHECK(instance.state() == Instance::State::starting);
  REQUIRE(readable(instance.ready_fd()));
  CHECK(instance.take_ready());
  CHECK(instance.state() == Instance::State::ready);
  CHECK(instance.ready_fd() < 0);
  instance.pass_on();
  CHECK(overheard.text() == "up\n");
  CHECK_FALSE(instance.ending().has_value());
  CHECK(kill(instance.pid(), 0) == 0);
}

TEST_CASE("it gets its words, our environment, and the descriptors that are for it") {
  const Overheard overheard;
  REQUIRE(setenv("WG4_TEST_INSTANCE", "seen", 1) == 0);
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Script script(R"(printf '%s, ' $# "$@" "$WG4_TEST_INSTANCE" >&2
for n in 0 1 2 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$n && printf $n; done >&2
cat)");
  Instance instance = script.start({"a word", ""}, {{null.get(), 4}});
  follow_to_end(instance);
  CHECK(overheard.text() == "3, --ready-fd=3, a word, , seen, 01234");
}

TEST_CASE("it fails early, with its own sentence") {
  const Overheard overheard;
  const Script script(
      "echo 'wireguard4netns: warning: a start' >&2; echo 'wireguard4netns: error: /x.conf: no such key' >&2; exit 1");
  Instance instance = script.start();
  follow_to_end(instance);
  CHECK(instance.error() == "/x.conf: no such key");
  REQUIRE(instance.ending().has_value());
  CHECK(instance.ending()->by == Instance::EndedBy::itself);
  CHECK(instance.ending()->status.to_string() == "exited with status 1");
  CHECK(overheard.text().find("a start") != std::string::npos);
}

TEST_CASE("its error is its last words, however much it has said before") {
  const Overheard overheard;
  const Script script(
      "i=0; while [ $i -lt 3000 ]; do echo 'wireguard4netns: warning: something is not as it should be' >&2; "
      "i=$((i+1)); done; echo 'wireguard4netns: error: enough' >&2; exit 1");
  Instance instance = script.start();
  follow_to_end(instance);
  CHECK(instance.error() == "enough");
  CHECK(overheard.text().ends_with("error: enough\n"));
}

TEST_CASE("an end without a word is named") {
  const Script silent("exit 3");
  Instance first = silent.start();
  follow_to_end(first);
  CHECK(first.error() == "the tunnel exited with status 3 before it was ready");

  const Script killed("kill -KILL $$");
  Instance second = killed.start();
  follow_to_end(second);
  CHECK(second.error() == "the tunnel was killed by signal 9 (Killed) before it was ready");
}

TEST_CASE("the end of its pipe is not the word that it is ready") {
  const Script script("exec 3>&-; exec sleep 1000");
  Instance instance = script.start();
  REQUIRE(readable(instance.ready_fd()));
  CHECK_FALSE(instance.take_ready());
  CHECK(instance.state() == Instance::State::starting);
  CHECK(instance.ready_fd() < 0);
}

TEST_CASE("it is known whether a tunnel ended by itself, by order or by force") {
  const Script script("printf 1 >&3; exec sleep 1000");
  Instance instance = script.start();
  REQUIRE(readable(instance.ready_fd()));
  REQUIRE(instance.take_ready());
  SUBCASE("somebody else") {
    REQUIRE(kill(instance.pid(), SIGKILL) == 0);
    REQUIRE(readable(instance.end_fd()));
    instance.take_end();
    CHECK(instance.ending()->by == Instance::EndedBy::itself);
    CHECK(instance.ending()->status.value == SIGKILL);
  }
  SUBCASE("an order") {
    instance.end(seconds(20));
    CHECK(instance.ending()->by == Instance::EndedBy::order);
    CHECK(instance.ending()->status.value == SIGTERM);
  }
  SUBCASE("an order that is not waited for") {
    instance.ask_to_end();
    follow_to_end(instance);
    CHECK(instance.ending()->by == Instance::EndedBy::order);
  }
  CHECK(instance.state() == Instance::State::ended);
  instance.end(seconds(20));  // nothing is left to be ended
}

TEST_CASE("one that does not obey is killed") {
  const Script script("trap '' TERM; printf 1 >&3; exec 3>&-; while :; do sleep 0.01; done");
  Instance instance = script.start();
  REQUIRE(readable(instance.ready_fd()));
  REQUIRE(instance.take_ready());
  instance.end(milliseconds(50));
  REQUIRE(instance.ending().has_value());
  CHECK(instance.ending()->by == Instance::EndedBy::force);
  CHECK(instance.ending()->status.value == SIGKILL);
}

TEST_CASE("one that nobody holds any more is killed, and one whose owner dies does not outlive it") {
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  const UniqueFd alive(ends[0]);  // ends when its last writer does
  UniqueFd writer(ends[1]);
  const Script script("exec sleep 1000");
  SUBCASE("not held") { static_cast<void>(script.start({}, {{writer.get(), 4}})); }
  SUBCASE("its owner dies") {
    const pid_t owner = fork();
    REQUIRE(owner >= 0);
    if (owner == 0) {
      const Instance instance = script.start({}, {{writer.get(), 4}});
      _exit(kill(instance.pid(), 0) == 0 ? 0 : 1);  // no destructor: the kernel has to do it
    }
    int status = 0;
    REQUIRE(waitpid(owner, &status, 0) == owner);
    REQUIRE(status == 0);
  }
  writer.reset();
  CHECK(readable(alive.get()));
}

TEST_CASE("a program that cannot be run is an error of start()") {
  const auto instance = Instance::start({.arguments = {}, .program = "/nonexistent/program"});
  REQUIRE_FALSE(instance.has_value());
  CHECK(instance.error().number == ENOENT);
}

}  // namespace
}  // namespace wg4
