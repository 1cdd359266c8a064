#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "netns-helper/container/container.h"
#include "shared/base/result.h"
#include "shared/sys/own_namespaces.h"
#include "shared/sys/pipe.h"
#include "shared/sys/process.h"
#include "shared/sys/syscall_filter.h"
#include "tests/support/ordinary_user.h"
#include "tests/unit/container_process_support.h"

namespace wg4::container {
namespace {

TEST_CASE("a command runs, and its end is told") {
  SKIP_WITHOUT_CONTAINERS;
  check_output("echo hello", "hello\n");
  check_output("exit 3", "exited with status 3");
  check_output("kill -9 $$", "was killed by signal 9 (Killed)");
  check_output("kill -TERM $$", "was killed by signal 15 (Terminated)");
}

TEST_CASE("it is nobody, unless it is to be somebody") {
  SKIP_WITHOUT_CONTAINERS;
  check_output("id -u; id -g", "65534\n65534\n");
  Container container = shell("id -u; id -g");
  container.uid = 0;
  container.gid = 7;
  check_run(container, "0\n7\n");
}

TEST_CASE("it is in namespaces of its own") {
  SKIP_WITHOUT_CONTAINERS;
  const std::string kinds = "for kind in user pid mnt ipc uts cgroup net; do readlink /proc/self/ns/$kind; done";
  const std::string host = [&] {
    Pipe pipe = *make_pipe();
    auto child = Child::spawn({.program = "/bin/sh",
                               .arguments = {"sh", "-c", kinds},
                               .environment = {"PATH=/usr/bin:/bin"},
                               .fds = {{pipe.writer.get(), 1}}});
    pipe.writer.reset();
    return read_to_end(pipe.reader.get());
  }();
  for (const bool host_network : {false, true}) {
    Container container = shell(kinds);
    container.host_network = host_network;
    for (const std::string& inside : {run(container), run_as_user(container)}) {
      std::istringstream theirs(inside);
      std::istringstream ours(host);
      for (std::string one, other; std::getline(theirs, one) && std::getline(ours, other);) {
        CAPTURE(one);
        CHECK((one == other) == (host_network && one.starts_with("net:")));
      }
    }
  }
}

TEST_CASE("its processes are its own, under the init") {
  SKIP_WITHOUT_CONTAINERS;
  check_output("echo $$; cat /proc/1/comm; ls -d /proc/[0-9]* | wc -l", "2\nwg4netns-contai\n4\n");
}

TEST_CASE("in the place of the init it is process 1") {
  SKIP_WITHOUT_CONTAINERS;
  Container container = shell("echo $$; exit 4");
  container.as_pid_1 = true;
  check_run(container, "1\nexited with status 4");
  container.arguments = {"there-is-no-such-program"};
  CHECK(run(container) ==
        "not served, 127: run there-is-no-such-program: No such file or directory. No folder in PATH has a program of "
        "this name");
}

TEST_CASE("host name, folder, environment and path") {
  SKIP_WITHOUT_CONTAINERS;
  Container container = shell("uname -n; pwd; echo $A");
  container.hostname = "box";
  container.directory = "/usr";
  container.environment.emplace_back("A=b c");
  check_run(container, "box\n/usr\nb c\n");
  container.path = "/bin/echo";
  container.arguments = {"cat", "argument"};
  check_run(container, "argument\n");
}

TEST_CASE("wrong parameters are refused before anything is made") {
  const auto refusal = [](const auto& change) {
    Container container = shell("true");
    change(container);
    const auto started = RunningContainer::start(std::move(container));
    return started ? "" : started.error().message();
  };
  CHECK(refusal([](Container& c) { c.arguments.clear(); }) == "run a command in a container: there is none");
  CHECK(refusal([](Container& c) { c.path = "bin/sh"; }) == "run bin/sh in a container: the path is not absolute");
  CHECK(refusal([](Container& c) { c.directory = "usr"; }) == "start in usr: the path is not absolute");
  CHECK(refusal([](Container& c) { c.environment = {"PATH"}; }) == "the environment variable PATH is not NAME=value");
  CHECK(refusal([](Container& c) { c.hostname = std::string(65, 'a'); }).ends_with("is longer than 64 bytes"));
  CHECK(refusal([](Container& c) { c.standard_streams = {0, 1000, 2}; }) ==
        "descriptor 1000, for a standard stream of the container: Bad file descriptor");
  CHECK(refusal([](Container& c) { c.extra_files = {{0, 2}}; }) ==
        "descriptor 2 inside: extra files have numbers above 2");
  CHECK(refusal([](Container& c) { c.extra_files = {{0, 3}, {1, 3}}; }) == "descriptor 3 inside: it is given twice");
  CHECK(refusal([](Container& c) { c.network = 1000; }) ==
        "descriptor 1000, for the container's network: Bad file descriptor");
  CHECK(refusal([](Container& c) {
          c.network = 0;
          c.host_network = true;
        }) == "a container has the host's network, or that of a descriptor: not both");
  CHECK(refusal([](Container& c) { c.cgroup = 1000; }) ==
        "descriptor 1000, for the container's cgroup: Bad file descriptor");
  CHECK(refusal([](Container& c) { c.wait_delay = std::chrono::seconds(31); }) ==
        "the time to end after a cancel is 0 to 30 seconds");
  CHECK(refusal([](Container& c) { c.cancel_signal = SIGKILL; }) == "signal 9 cannot cancel a container");
  CHECK(refusal([](Container& c) { c.init = "/nowhere/init"; }) == "open /nowhere/init: No such file or directory");
}

TEST_CASE("errors inside come back as values, with the status of env(1)") {
  SKIP_WITHOUT_CONTAINERS;
  Container container = shell("true");
  container.arguments = {"there-is-no-such-program"};
  check_run(container,
            "not served, 127: run there-is-no-such-program: No such file or directory. No folder in PATH has a program "
            "of this name");
  container.arguments = {"/usr"};
  check_run(container, "not served, 126: run /usr: Permission denied. It is a folder");
  container = shell("true");
  container.directory = "/x";
  check_run(container,
            "not served, 125: enter /x in the container: No such file or directory. It must be made by an operation, "
            "such as a bind of it");
}

TEST_CASE("extra files have the numbers that they are to have, and nothing else is open") {
  SKIP_WITHOUT_CONTAINERS;
  const Pipe pipe = *make_pipe();
  REQUIRE(fcntl(pipe.reader.get(), F_SETFD, 0) == 0);  // as a careless program has it
  REQUIRE(write(pipe.writer.get(), "through the pipe", 16) == 16);
  Container container = shell("ls /proc/self/fd | tr '\\n' ' '");
  check_run(container, "0 1 2 3 ");  // 3 is ls' own
  container.extra_files = {{pipe.reader.get(), 4}, {pipe.writer.get(), 3}, {pipe.writer.get(), 40}};
  check_run(container, "0 1 2 3 4 40 5 ");
  container = shell("head -c 16 <&4");
  container.extra_files = {{pipe.writer.get(), 3}, {pipe.reader.get(), 4}};
  CHECK(run(container) == "through the pipe");
}

TEST_CASE("a new session, or the caller's") {
  SKIP_WITHOUT_CONTAINERS;
  const std::string session = "cut -d ' ' -f 6 /proc/self/stat";
  check_output(session, "1\n");
  Container container = shell(session);
  container.retain_session = true;
  check_run(container, "0\n");  // of a process outside
}

TEST_CASE("signals are blocked and ignored as in the caller, and the init has none of its own") {
  SKIP_WITHOUT_CONTAINERS;
  const Container container = shell("grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f 2 | tr '\\n' ' '");
  const std::string none(16, '0');
  sigset_t usr1;
  sigset_t before;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  pthread_sigmask(SIG_SETMASK, &usr1, &before);
  const auto action = std::signal(SIGUSR2, SIG_IGN);
  const std::string changed = run(container);
  static_cast<void>(std::signal(SIGUSR2, action));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  CHECK(changed == "0000000000000200 0000000000000800 ");
}

TEST_CASE("it has no capabilities, or those that it is to have") {
  SKIP_WITHOUT_CONTAINERS;
  const std::string sets =
      "grep ^Cap /proc/self/status | cut -f 2 | tr '\\n' ' '; grep -E '^(NoNewPrivs|Seccomp):' "
      "/proc/self/status | cut -f 2 | tr '\\n' ' '";
  const std::string none(16, '0');
  for (const bool root : {false, true}) {
    Container container = shell(sets);
    if (root) container.uid = 0;
    check_run(container, fmt::format("{0} {0} {0} {0} {0} 1 2 ", none));
    const std::string admin = "0000000000200000";
    container.privileged = true;
    check_run(container, fmt::format("{0} {0} {0} {0} {0} 1 2 ", admin));
  }
  Container container = shell(sets);
  container.capabilities = 1;
  check_run(container, fmt::format("{0} {0} {0} {0} {0} 1 2 ", "0000000000000001"));
}

TEST_CASE("the command can neither signal the init nor look into it, with Landlock and without") {
  SKIP_WITHOUT_CONTAINERS;
  Container container = shell(
      "kill -USR2 1 2>/dev/null; kill -KILL 1 2>/dev/null; readlink /proc/1/fd/* && echo open; "
      "cat /proc/1/maps /proc/1/environ 2>/dev/null && echo read; readlink /proc/1/root /proc/1/exe && echo linked; "
      "echo alive");
  check_run(container, "alive\n");
  container.landlock.mode = LandlockSettings::Mode::off;
  check_run(container, "alive\n");
}

TEST_CASE("without clone3, or where it cannot be looked into, there is a container as well") {
  SKIP_WITHOUT_CONTAINERS;
  const std::string said = said_by(ordinary_user(), []() -> std::string {
    SyscallFilter no_clone3{.otherwise = SECCOMP_RET_ALLOW,
                            .other_architectures = SECCOMP_RET_ALLOW,
                            .architectures = {native_architecture()},
                            .calls = {{.number = SYS_clone3, .action = SECCOMP_RET_ERRNO | ENOSYS, .tests = {}}}};
    if (const auto done = confine_all_threads(no_clone3); !done) return done.error().message();
    return run(shell("echo $$"));
  });
  CHECK(said == "2\n");
}

TEST_CASE("the init is on a mount without exec") {
  SKIP_WITHOUT_CONTAINERS;
  const std::string init = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "wg4netns-container";
  const std::string said = said_by(ordinary_user(), [&]() -> std::string {
    if (const auto made = make_own_namespaces_as_same_user(CLONE_NEWNS, ""); !made) return made.error().message();
    if (mount("none", "/mnt", "tmpfs", MS_NOEXEC, nullptr) != 0) return "no tmpfs";
    std::filesystem::copy_file(init, "/mnt/init");
    Container container = shell("cat /proc/1/comm");
    container.init = "/mnt/init";
    return run(container);
  });
  CHECK(said == "wg4netns-contai\n");
}

TEST_CASE("many at the same time leave nothing") {
  SKIP_WITHOUT_CONTAINERS;
  constexpr int count = 200;
  std::vector<RunningContainer> all;
  for (int i = 0; i < count; ++i) {
    auto running = RunningContainer::start(shell("sleep 100"));
    REQUIRE(running.has_value());
    REQUIRE(running->serve().has_value());
    all.push_back(*std::move(running));
  }
  std::vector<pid_t> pids;
  for (const RunningContainer& one : all) pids.push_back(one.pid());
  all.clear();
  for (const pid_t pid : pids) CHECK(kill(pid, 0) != 0);
}

TEST_CASE("from several threads at once") {
  SKIP_WITHOUT_CONTAINERS;
  constexpr int count = 8;
  std::vector<std::string> said(count);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < count; ++i)
      threads.emplace_back(
          [&said, i] { said.at(static_cast<std::size_t>(i)) = run(shell(fmt::format("echo {}", i))); });
  }
  for (int i = 0; i < count; ++i) CHECK(said.at(static_cast<std::size_t>(i)) == fmt::format("{}\n", i));
}

}  // namespace
}  // namespace wg4::container
