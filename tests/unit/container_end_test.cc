#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <utility>

#include "netns-helper/container/container.h"
#include "shared/base/result.h"
#include "shared/sys/pipe.h"
#include "shared/sys/process.h"
#include "tests/support/ordinary_user.h"
#include "tests/unit/container_process_support.h"

namespace wg4::container {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A container that has said "ready", and what happens to it then.
template <class Act>
std::string end_of(Container container, const Act& act) {
  Served served = serve(std::move(container));
  if (!served.running) return served.why_not;
  std::array<char, 6> ready{};
  if (read(served.output.get(), ready.data(), ready.size()) != 6) return "not ready";
  act(*served.running);
  const auto ending = served.running->wait();
  if (!ending) return "not waited: " + ending.error().message();
  return read_to_end(served.output.get()) + describe(*ending);
}

void cancel(const RunningContainer& running) { static_cast<void>(running.cancel()); }

TEST_CASE("cancel ends all at once") {
  SKIP_WITHOUT_CONTAINERS;
  CHECK(end_of(shell("echo ready; sleep 100"), cancel) == "was killed by signal 9 (Killed), cancelled");
  CHECK(said_by(ordinary_user(), [] { return end_of(shell("echo ready; sleep 100"), cancel); }) ==
        "was killed by signal 9 (Killed), cancelled");
}

TEST_CASE("cancel is forwarded, and the command ends in its own way") {
  SKIP_WITHOUT_CONTAINERS;
  Container container = shell("trap 'echo bye; exit 5' INT; echo ready; while :; do sleep 0.1; done");
  container.forward_cancel = true;
  CHECK(end_of(container, cancel) == "bye\nexited with status 5, cancelled");
  container.cancel_signal = SIGTERM;
  CHECK(end_of(container, cancel) == "bye\nexited with status 5, cancelled");
}

TEST_CASE("a command that does not end after that is killed") {
  SKIP_WITHOUT_CONTAINERS;
  Container container = shell("trap '' INT; echo ready; sleep 100");
  container.forward_cancel = true;
  container.wait_delay = milliseconds(200);
  CHECK(end_of(container, cancel) == "was killed by signal 9 (Killed), cancelled, forced");
}

TEST_CASE("cancel comes from another thread, and one that comes too late does nothing") {
  SKIP_WITHOUT_CONTAINERS;
  CHECK(end_of(shell("echo ready; sleep 100"), [](const RunningContainer& running) {
          std::thread([&] { cancel(running); }).join();
        }) == "was killed by signal 9 (Killed), cancelled");
  auto running = RunningContainer::start(shell("exit 1"));
  REQUIRE(running.has_value());
  REQUIRE(running->serve().has_value());
  CHECK(describe(*running->wait()) == "exited with status 1");
  CHECK(running->cancel().has_value());
  CHECK(running->wait().error().message() == "wait for a container: it has not been started, or waited for already");
}

TEST_CASE("signals to the init are the command's") {
  SKIP_WITHOUT_CONTAINERS;
  Container container = shell("trap 'echo got; exit 0' USR1; echo ready; while :; do sleep 0.1; done");
  CHECK(end_of(container, [](const RunningContainer& running) {
          static_cast<void>(send_signal(running.pidfd(), SIGUSR1));
        }) == "got\nexited with status 0");
  CHECK(end_of(shell("echo ready; exec sleep 100"), [](const RunningContainer& running) {
          static_cast<void>(send_signal(running.pidfd(), SIGTERM));
        }) == "was killed by signal 15 (Terminated)");
}

TEST_CASE("what the command leaves has time to end") {
  SKIP_WITHOUT_CONTAINERS;
  // The grandchild closes its output, so the end of the output is not that of all.
  check_output("(sleep 0.3; echo late) & exit 2", "late\nexited with status 2");
}

TEST_CASE("and is killed after that") {
  SKIP_WITHOUT_CONTAINERS;
  Container container = shell("(trap '' TERM INT HUP; sleep 100) & exit 2");
  container.adopt_wait_delay = milliseconds(200);
  check_run(container, "exited with status 2, orphans killed");
  container.adopt_wait_delay = milliseconds(-1);
  check_run(container, "exited with status 2, orphans killed");
}

TEST_CASE("a cancel meanwhile ends that, too") {
  SKIP_WITHOUT_CONTAINERS;
  Container container = shell("(sleep 100) & echo ready; exit 2");
  CHECK(end_of(container, [](const RunningContainer& running) {
          std::this_thread::sleep_for(milliseconds(100));
          cancel(running);
        }) == "exited with status 2");
}

TEST_CASE("orphans are reaped while the command runs") {
  SKIP_WITHOUT_CONTAINERS;
  check_output("(sh -c 'exit 0' & exit 0) & wait; sleep 0.2; cat /proc/[0-9]*/stat | grep -c ' Z '",
               "0\nexited with status 1");
}

TEST_CASE("a killed init is told as such") {
  SKIP_WITHOUT_CONTAINERS;
  CHECK(end_of(shell("echo ready; sleep 100"), [](const RunningContainer& running) { kill(running.pid(), SIGKILL); }) ==
        "was killed by signal 9 (Killed), init killed");
}

TEST_CASE("an init that is killed before it has its set-up is an error of serve") {
  SKIP_WITHOUT_CONTAINERS;
  auto running = RunningContainer::start(shell("true"));
  REQUIRE(running.has_value());
  kill(running->pid(), SIGKILL);
  pollfd entry{running->pidfd(), POLLIN, 0};
  REQUIRE(poll(&entry, 1, -1) == 1);
  const auto served = running->serve();
  REQUIRE_FALSE(served.has_value());
  CHECK(running->failure_status() == 125);
}

TEST_CASE("so are programs that are no init") {
  for (const char* program : {"/bin/true", "/bin/false"}) {
    Container container = shell("true");
    container.init = program;
    const std::string said = run(container);
    CAPTURE(said);
    CHECK(said.starts_with("not served, 125: make a container: its init exited with status "));
  }
  Container container = shell("true");
  container.init = "/usr";
  CHECK(run(container) == "not started: run /usr: it is not a regular file");
}

TEST_CASE("serve may come late") {
  SKIP_WITHOUT_CONTAINERS;
  auto running = RunningContainer::start(shell("exit 6"));
  REQUIRE(running.has_value());
  std::this_thread::sleep_for(milliseconds(5500));  // longer than the set-up may take
  REQUIRE(running->serve().has_value());
  CHECK(describe(*running->wait()) == "exited with status 6");
}

TEST_CASE("a container that is not served ends with its object") {
  SKIP_WITHOUT_CONTAINERS;
  pid_t pid = -1;
  {
    auto running = RunningContainer::start(shell("true"));
    REQUIRE(running.has_value());
    pid = running->pid();
    CHECK(kill(pid, 0) == 0);
  }
  CHECK(kill(pid, 0) != 0);
}

TEST_CASE("the container ends with the program that has started it, even by SIGKILL") {
  SKIP_WITHOUT_CONTAINERS;
  for (const bool as_pid_1 : {false, true}) {
    Pipe life = *make_pipe();
    Pipe ready = *make_pipe();
    const pid_t starter = fork();
    if (starter == 0) {
      life.reader.reset();
      Container container = shell("echo ready; (sleep 100) & sleep 100");
      container.as_pid_1 = container.retain_session = as_pid_1;
      container.standard_streams = {-1, ready.writer.get(), 2};
      container.extra_files = {{life.writer.get(), 3}};
      auto running = RunningContainer::start(std::move(container));
      if (!running || !running->serve()) _exit(1);
      static_cast<void>(running->wait());
      _exit(0);
    }
    life.writer.reset();
    ready.writer.reset();
    std::array<char, 6> text{};
    REQUIRE(read(ready.reader.get(), text.data(), text.size()) == 6);
    kill(starter, SIGKILL);
    waitpid(starter, nullptr, 0);
    pollfd entry{life.reader.get(), 0, 0};  // open in all processes of the container
    CHECK(poll(&entry, 1, 10'000) == 1);
  }
}

}  // namespace
}  // namespace wg4::container
