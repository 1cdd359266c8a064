#include "netns-helper/container/confine_command.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <ostream>
#include <string>

#include "shared/base/escaped_text.h"
#include "shared/sys/landlock.h"
#include "shared/sys/own_namespaces.h"
#include "shared/sys/pipe.h"
#include "tests/support/in_child.h"
#include "tests/support/machine.h"
#include "tests/support/ordinary_user.h"

namespace wg4::container {
namespace {

constexpr Confinement nothing{};
constexpr Confinement as_container{.no_new_privs = false, .capabilities = container_capabilities};

/// What `body` returns after confine_command() in a user namespace of its own.
template <class Body>
std::string confined(const Confinement& confinement, const Body& body) {
  return said_by(ordinary_user(), [&]() -> std::string {
    if (const auto made = make_own_namespaces_as_same_user(CLONE_NEWUSER, "make a user namespace"); !made)
      return made.error().message();
    if (const auto done = confine_command(confinement); !done) return done.error().message();
    return body();
  });
}

/// "" where these tests can run.
std::string why_impossible() {
  if (!has_syscall_filters()) return "there are no system call filters here";
  return confined(nothing, [] { return std::string(); });
}

/// A line of /proc/self/status, without its name.
std::string status(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string word, value; file >> word;)
    if (word == name + ":" && file >> value) return value;
  return "";
}

std::string capability_sets() {
  std::string text;
  for (const char* name : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) text += status(name) + " ";
  return text;
}

std::string error_name(long result) {
  if (result >= 0) return "works";
  const char* name = strerrorname_np(errno);
  return name != nullptr ? name : "?";
}

#define SKIP_IF_IMPOSSIBLE \
  if (const std::string why = why_impossible(); !why.empty()) return say_skipped(why.c_str())

TEST_CASE("a command has no capabilities, and gains none") {
  SKIP_IF_IMPOSSIBLE;
  const std::string none(16, '0');
  CHECK(confined(nothing, capability_sets) == fmt::format("{0} {0} {0} {0} {0} ", none));
  CHECK(confined(nothing, [] { return status("NoNewPrivs") + status("Seccomp"); }) == "12");
  CHECK(confined(nothing, [] { return std::to_string(prctl(PR_GET_SECUREBITS)); }) == std::to_string(0b11001111));
}

TEST_CASE("a command that may become root can gain what containers have, and no more") {
  SKIP_IF_IMPOSSIBLE;
  const std::string none(16, '0');
  const std::string some = fmt::format("{:016x}", container_capabilities);
  CHECK(confined(as_container, capability_sets) == fmt::format("{0} {0} {0} {1} {0} ", none, some));
  CHECK(confined(as_container, [] { return status("NoNewPrivs") + status("Seccomp"); }) == "02");
  CHECK(confined(as_container, [] { return std::to_string(prctl(PR_GET_SECUREBITS)); }) == "0");
}

TEST_CASE("root inside has them at once") {
  SKIP_IF_IMPOSSIBLE;
  const std::string some = fmt::format("{:016x}", container_capabilities);
  for (const bool no_new_privs : {false, true}) {
    CAPTURE(no_new_privs);
    const std::string sets = said_by(ordinary_user(), [&]() -> std::string {
      const std::string map = fmt::format("0 {} 1", geteuid());
      if (unshare(CLONE_NEWUSER) != 0) return "no user namespace";
      std::ofstream("/proc/self/uid_map") << map << std::flush;
      if (const auto done = confine_command({no_new_privs, container_capabilities}); !done)
        return done.error().message();
      // What stays after exec counts.
      return exit_status(std::system(fmt::format("grep -q '^CapEff:.{}$' /proc/self/status", some).c_str())) == 0
                 ? capability_sets()
                 : "lost by exec";
    });
    CHECK(sets == fmt::format("{0} {1} {1} {1} {0} ", std::string(16, '0'), some));
  }
}

/// What a confined command gets for a signal to a process of the same user that is not its own.
std::string signal_to_outside(const Confinement& confinement) {
  return said_by(ordinary_user(), [&]() -> std::string {
    auto life = make_pipe();
    if (!life) return life.error().message();
    const pid_t outsider = fork();
    if (outsider == 0) {
      life->writer.reset();
      char byte = 0;
      [[maybe_unused]] const ssize_t end = read(life->reader.get(), &byte, 1);  // of the process that we signal it from
      _exit(0);
    }
    if (!make_own_namespaces_as_same_user(CLONE_NEWUSER, "make a user namespace")) return "no user namespace";
    if (kill(outsider, 0) != 0) return "not permitted before";
    const auto done = confine_command(confinement);
    return done ? error_name(kill(outsider, 0)) : done.error().message();
  });
}

TEST_CASE("a command signals its own processes only") {
  SKIP_IF_IMPOSSIBLE;
  if (!can_scope_signals()) return say_skipped("this kernel's Landlock has no scope for signals");
  for (const Confinement& confinement : {nothing, as_container}) {
    CHECK(signal_to_outside(confinement) == "EPERM");
    CHECK(confined(confinement, [] { return error_name(kill(getpid(), 0)); }) == "works");
    CHECK(confined(confinement, [] {
            const pid_t child = fork();
            if (child == 0) pause();
            const std::string result = error_name(kill(child, SIGKILL));
            waitpid(child, nullptr, 0);
            return result;
          }) == "works");
  }
}

/// No descriptor: if the filter lets the call pass, it is EBADF.
std::string try_ioctl(std::uint64_t request) { return error_name(syscall(SYS_ioctl, -1, request, nullptr)); }

TEST_CASE("a command cannot type into the terminal") {
  SKIP_IF_IMPOSSIBLE;
  for (const Confinement& confinement : {nothing, as_container}) {
    CHECK(confined(confinement, [] { return try_ioctl(TIOCSTI); }) == "EPERM");
    CHECK(confined(confinement, [] { return try_ioctl(TIOCLINUX); }) == "EPERM");
    CHECK(confined(confinement, [] { return try_ioctl(TIOCGWINSZ); }) == "EBADF");
  }
}

TEST_CASE("bits that the kernel ignores do not hide the request") {
  SKIP_IF_IMPOSSIBLE;
  constexpr std::uint64_t ignored = std::uint64_t{1} << 32U;
  CHECK(confined(nothing, [] { return try_ioctl(ignored | TIOCSTI); }) == "EPERM");
  CHECK(confined(nothing, [] { return try_ioctl(ignored << 31U | TIOCLINUX); }) == "EPERM");
}

#ifdef __x86_64__
TEST_CASE("the entry for 32-bit programs is filtered, too") {
  SKIP_IF_IMPOSSIBLE;
  if (!has_32bit_entry()) return say_skipped("this kernel has no entry for 32-bit programs");
  const auto try_32bit = [](long request) {
    return confined(nothing, [request] {
      long result = 54;  // ioctl
      asm volatile("int $0x80" : "+a"(result) : "b"(-1L), "c"(request), "d"(0L) : "memory");
      errno = static_cast<int>(-result);
      return error_name(result < 0 ? -1 : 0);
    });
  };
  CHECK(try_32bit(TIOCSTI) == "EPERM");
  CHECK(try_32bit(TIOCLINUX) == "EPERM");
  CHECK(try_32bit(TIOCGWINSZ) == "EBADF");
}

TEST_CASE("so is that of x32 programs") {
  SKIP_IF_IMPOSSIBLE;
  constexpr long ioctl_x32 = 0x4000'0000 + 514;
  const auto try_x32 = [](long number) {
    return confined(nothing, [number] { return error_name(syscall(number, -1, TIOCSTI, nullptr)); });
  };
  CHECK(try_x32(ioctl_x32) == "EPERM");
}
#endif

TEST_CASE("sandboxes that programs make for themselves still work") {
  SKIP_IF_IMPOSSIBLE;
  for (const Confinement& confinement : {nothing, as_container}) {
    const auto run = [&](const char* command) {
      return confined(confinement, [command] { return std::to_string(exit_status(std::system(command))); });
    };
    CHECK(run("unshare --user --map-root-user true") == "0");
    CHECK(run("unshare --user --map-root-user --mount --net --pid --fork mount -t tmpfs none /mnt") == "0");
    CHECK(run("unshare --user --map-root-user sh -c 'sleep 10 & kill $!'") == "0");
  }
}

TEST_CASE("programs that keep capabilities over a change of user are not disturbed") {
  SKIP_IF_IMPOSSIBLE;
  CHECK(confined(nothing, [] { return error_name(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)); }) == "works");
}

TEST_CASE("without the rights that it takes, confining fails") {
  SKIP_IF_IMPOSSIBLE;
  const auto without_rights = [](const Confinement& confinement) {
    return said_by(ordinary_user(), [&] {
      const auto done = confine_command(confinement);
      return done ? "works" : done.error().message();
    });
  };
  if (getuid() == 0 && ordinary_user().uid == 0) return say_skipped("there is no ordinary user here");
  CHECK(without_rights(nothing) == "lock the securebits: Operation not permitted");
  CHECK(without_rights(as_container) != "works");
}

}  // namespace
}  // namespace wg4::container
