// The filters in force: real calls, in a process of their own. Many of them fail anyway for an ordinary user, so the
// filters of this test refuse with errno values that no kernel returns: what comes back shows that it was the filter.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/ptrace.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "netns-helper/container/filter/choice.h"
#include "netns-helper/container/filter/policy.h"
#include "netns-helper/container/filter/presets.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/syscall_filter.h"
#include "tests/support/in_child.h"
#include "tests/support/machine.h"
#include "tests/support/ordinary_user.h"

namespace wg4::container::filter {
namespace {

constexpr int mark = 1000;  // added to each errno

Policy marked(Policy policy) {
  for (Rule& rule : policy.rules) rule.action += mark;
  return policy;
}

/// "" once it is in force.
std::string put_in_force(const Policy& policy, bool log = false) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "no_new_privs";
  auto program = compile(policy);
  if (!program) return program.error().message();
  const auto installed = install({.program = *std::move(program), .log_denied = log});
  return installed ? "" : installed.error().message();
}

/// What `body` returns in a process of an ordinary user under the filter.
template <class Body>
std::string under(const Policy& policy, const Body& body) {
  return said_by(ordinary_user(), [&] {
    const std::string fault = put_in_force(policy);
    return fault.empty() ? std::string(body()) : fault;
  });
}

/// An argument for which the test holds.
std::uint64_t argument_for(const ArgumentTest& test) {
  const bool is_beyond = test.comparison == Comparison::not_equal || test.comparison == Comparison::greater;
  return is_beyond ? test.value + 1 : test.value;
}

std::array<std::uint64_t, 3> arguments_for(const Rule& rule) {
  std::array<std::uint64_t, 3> arguments{};
  for (const ArgumentTest& test : rule.tests) arguments.at(test.index) = argument_for(test);
  return arguments;
}

/// What came of the calls, where it is not what the rules say: a line for each.
template <class Call>
std::string differences(const Policy& policy, std::uint32_t architecture, const Call& call) {
  std::string text;
  for (const Rule& rule : policy.rules) {
    int number = seccomp_syscall_resolve_name_arch(architecture, rule.call.c_str());
    constexpr int socket_of_i386 = 359;
    if (rule.call == "open_tree_attr") number = 467;
    if (rule.call == "socket" && architecture == AUDIT_ARCH_I386) number = socket_of_i386;
    if (number < 0) continue;
    const long error = call(number, arguments_for(rule));
    const auto wanted = static_cast<long>(rule.action & SECCOMP_RET_DATA);
    if (error != wanted) text += rule.call + ": " + std::to_string(error) + "\n";
  }
  return text;
}

#define SKIP_WITHOUT_FILTERS \
  if (!has_syscall_filters()) return say_skipped("there are no system call filters here")

long make_call(int number, const std::array<std::uint64_t, 3>& arguments) {
  return syscall(number, arguments[0], arguments[1], arguments[2], 0, 0, 0) < 0 ? errno : 0;
}

TEST_CASE("each rule of each preset refuses a real call") {
  SKIP_WITHOUT_FILTERS;
  for (const Preset presets :
       {Preset::none, Preset::ext, Preset::deny_ns, Preset::deny_tty, Preset::deny_devel,
        Preset::deny_devel | Preset::linux32, Preset::deny_bypass, default_presets, strict_presets}) {
    CAPTURE(presets);
    const Policy policy = marked(make_policy(presets, {}));
    CHECK(under(policy, [&] { return differences(policy, native_architecture(), make_call); }) == "");
  }
}

TEST_CASE("the results are those that programs know") {
  SKIP_WITHOUT_FILTERS;
  const auto error = [](long number, long a = 0, long b = 0, long c = 0) {
    return under(make_policy(strict_presets, {}), [=] {
      const char* const name = syscall(number, a, b, c, 0, 0, 0) < 0 ? strerrorname_np(errno) : "works";
      return std::string(name != nullptr ? name : "?");
    });
  };
  CHECK(error(SYS_unshare, CLONE_NEWUSER) == "EPERM");
  CHECK(error(SYS_setns) == "EPERM");
  CHECK(error(SYS_mount) == "EPERM");
  CHECK(error(SYS_clone, CLONE_NEWUSER | SIGCHLD) == "EPERM");
  CHECK(error(SYS_clone3) == "ENOSYS");
  CHECK(error(SYS_open_tree) == "ENOSYS");
  CHECK(error(467 /* open_tree_attr */) == "ENOSYS");
  CHECK(error(SYS_io_uring_setup) == "ENOSYS");
  CHECK(error(SYS_keyctl) == "EPERM");
  CHECK(error(SYS_ptrace) == "EPERM");
  CHECK(error(SYS_personality, 0x20'0000) == "EPERM");
  CHECK(error(SYS_ioctl, -1, TIOCSTI) == "EPERM");
  CHECK(error(SYS_ioctl, -1, TIOCLINUX | 1L << 32U) == "EPERM");
  CHECK(error(SYS_socket, AF_PACKET, SOCK_RAW) == "EAFNOSUPPORT");
  CHECK(error(SYS_process_vm_readv, 1) == "EPERM");
}

TEST_CASE("what is beside the rules works") {
  SKIP_WITHOUT_FILTERS;
  for (const Preset presets : {default_presets, strict_presets}) {
    const Policy policy = make_policy(presets, {});
    const auto works = [&](const auto& body) { return under(policy, [&] { return body() ? "works" : "fails"; }); };
    CHECK(works([] { return UniqueFd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)).valid(); }) == "works");
    CHECK(works([] { return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)).valid(); }) == "works");
    CHECK(works([] { return UniqueFd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0)).valid(); }) == "works");
    CHECK(works([] { return syscall(SYS_personality, 0) >= 0; }) == "works");
    CHECK(works([] { return ioctl(-1, TIOCGWINSZ) < 0 && errno == EBADF; }) == "works");
    // The C library makes threads and processes by clone3, and by clone where it gets ENOSYS.
    CHECK(works([] { return exit_status(std::system("exit 7")) == 7; }) == "works");
    CHECK(works([] {
            int seen = 0;
            std::thread([&seen] { seen = 1; }).join();
            return seen == 1;
          }) == "works");
  }
}

TEST_CASE("default lets a program make a sandbox of its own, as browsers do; strict does not") {
  SKIP_WITHOUT_FILTERS;
  const auto sandbox = [](const Policy& policy) {
    return under(policy, [] {
      return std::to_string(exit_status(std::system(
          "unshare --user --map-root-user --net --pid --fork --mount mount -t tmpfs none /mnt 2>/dev/null")));
    });
  };
  if (sandbox(make_tty_policy()) != "0") return say_skipped("no user may make user namespaces here");
  CHECK(sandbox(make_policy(default_presets, {})) == "0");
  CHECK(sandbox(make_policy(strict_presets, {})) != "0");
}

#ifdef __x86_64__
long call_32bit_with(int number, const std::array<std::uint64_t, 3>& arguments) {
  long result = number;
  asm volatile("int $0x80"
               : "+a"(result)
               : "b"(arguments[0]), "c"(arguments[1]), "d"(arguments[2]), "S"(0L), "D"(0L)
               : "memory");
  return result < 0 ? -result : 0;
}

TEST_CASE("each rule refuses a real call of 32-bit programs, too, where those are let in") {
  SKIP_WITHOUT_FILTERS;
  if (!has_32bit_entry()) return say_skipped("this kernel has no entry for 32-bit programs");
  for (const Preset presets : {Preset::none, default_presets, strict_presets}) {
    CAPTURE(presets);
    const Policy policy = marked(make_policy(presets, {.multiarch = true}));
    CHECK(under(policy, [&] { return differences(policy, AUDIT_ARCH_I386, call_32bit_with); }) == "");
    constexpr int socketcall = 102;
    const auto error = [&](std::uint64_t which) {
      return under(policy, [&] { return std::to_string(call_32bit_with(socketcall, {which, 0, 0})); });
    };
    CHECK(error(1 /* socket */) == std::to_string(EAFNOSUPPORT + mark));
    CHECK(error(3 /* connect */) == std::to_string(EFAULT));
  }
}

/// The signal that ends a process for a call under that filter.
template <class Call>
int signal_for(const Policy& policy, const Call& call) {
  return end_signal(in_child([&] {
    if (!put_in_force(policy).empty()) return 1;
    call();
    return 0;
  }));
}

TEST_CASE("a call of another architecture ends the process") {
  SKIP_WITHOUT_FILTERS;
  const Policy policy = make_policy(default_presets, {});
  const Policy multiarch = make_policy(default_presets, {.multiarch = true});
  constexpr long getpid_x32 = SYS_getpid | 0x4000'0000L;
  CHECK(signal_for(policy, [] { syscall(SYS_getpid); }) == 0);
  CHECK(signal_for(policy, [] { syscall(getpid_x32); }) == SIGSYS);
  CHECK(signal_for(multiarch, [] { syscall(getpid_x32); }) == SIGSYS);
  if (!has_32bit_entry()) return say_skipped("calls of 32-bit programs: this kernel has no entry for them");
  CHECK(signal_for(policy, [] { call_32bit(20); }) == SIGSYS);
  CHECK(signal_for(multiarch, [] { call_32bit(20); }) == 0);
}
#endif

TEST_CASE("filters add up: a later one takes nothing back") {
  SKIP_WITHOUT_FILTERS;
  const auto error = under(make_policy(Preset::deny_tty, {}), [] {
    const std::string fault = put_in_force(Policy{.architectures = {native_architecture()}, .rules = {}});
    if (!fault.empty()) return fault;
    return std::string(ioctl(-1, TIOCSTI) < 0 ? strerrorname_np(errno) : "works");
  });
  CHECK(error == "EPERM");
}

TEST_CASE("a filter that the kernel does not take, and one without the right to it, are errors") {
  SKIP_WITHOUT_FILTERS;
  const std::vector<sock_filter> no_program{{BPF_LD | BPF_MEM, 0, 0, 3}, {BPF_RET | BPF_A, 0, 0, 0}};
  const auto message = [&](bool no_new_privs) {
    return said_by(ordinary_user(), [&] {
      if (no_new_privs) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      const auto installed = install({.program = no_program});
      return installed ? "works" : installed.error().message();
    });
  };
  CHECK(message(true).starts_with("put the system call filter in force: Invalid argument."));
  if (ordinary_user().uid == 0) return say_skipped("there is no ordinary user here");
  CHECK(message(false) ==
        "put the system call filter in force: Permission denied. Without no_new_privs it takes CAP_SYS_ADMIN");
}

/// The flags of the newest filter of a process: nothing where the kernel does not tell.
std::string flags_of_filter(bool log) {
  std::array<int, 2> ready{};
  if (pipe2(ready.data(), O_CLOEXEC) != 0) return "no pipe";
  const UniqueFd reader(ready[0]);
  UniqueFd writer(ready[1]);
  const pid_t child = fork();
  if (child == 0) {
    const bool done = put_in_force(make_policy(Preset::none, {}), log).empty();
    if (!done || write(writer.get(), "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  writer.reset();
  char byte = 0;
  std::string result;
  seccomp_metadata metadata{};
  if (read(reader.get(), &byte, 1) == 1 && syscall(SYS_ptrace, PTRACE_SEIZE, child, 0, 0) == 0 &&
      syscall(SYS_ptrace, PTRACE_INTERRUPT, child, 0, 0) == 0 && waitpid(child, nullptr, 0) == child &&
      syscall(SYS_ptrace, PTRACE_SECCOMP_GET_METADATA, child, sizeof metadata, &metadata) > 0)
    result = std::to_string(metadata.flags);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return result;
}

TEST_CASE("the kernel is told to log what a filter refuses, where that is asked for") {
  SKIP_WITHOUT_FILTERS;
  const std::string without = flags_of_filter(false);
  if (without.empty()) return say_skipped("only root sees filters, with CONFIG_CHECKPOINT_RESTORE");
  CHECK((std::stoul(without) & SECCOMP_FILTER_FLAG_LOG) == 0);
  CHECK((std::stoul(flags_of_filter(true)) & SECCOMP_FILTER_FLAG_LOG) != 0);
}

}  // namespace
}  // namespace wg4::container::filter
