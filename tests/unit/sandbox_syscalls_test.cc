// Under each program's table of system calls, tries the calls of an attacker's code.

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "netns-helper/syscall_tables.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/seccomp.h"
#include "tests/support/in_child.h"
#include "tests/support/machine.h"
#include "wg4netns/daemon/syscall_tables.h"

namespace wg4 {
namespace {

constexpr int confined_badly = 99;

/// Runs `body` in a child under `table`; returns the status of wait(2).
int under(const std::function<SyscallTable()>& table, const std::function<int()>& body,
          OnViolation on_violation = OnViolation::kill) {
  return in_child([&] {
    if (!restrict_syscalls(table(), on_violation)) return confined_badly;
    return body();
  });
}

struct Attempt {
  std::string name;
  std::function<long()> call;
};

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  return syscall(number, a, b, c, d, e, f);
}

long address_of(const void* pointer) { return static_cast<long>(reinterpret_cast<std::uintptr_t>(pointer)); }

/// No program of ours makes any of these calls once it is confined.
const std::vector<Attempt>& escapes() {
  static const char* const path = "/etc/passwd";
  static iovec piece{};
  static const pid_t parent = getpid();  // in the child, getppid() itself would be a violation
  static const std::vector<Attempt> attempts{
      {"execve", [] { return call(SYS_execve, address_of("/bin/true")); }},
      {"execveat", [] { return call(SYS_execveat, AT_FDCWD, address_of("/bin/true")); }},
      {"open for writing", [] { return call(SYS_openat, AT_FDCWD, address_of("/dev/null"), O_WRONLY); }},
      {"create", [] { return call(SYS_openat, AT_FDCWD, address_of("/tmp/x"), O_RDONLY | O_CREAT, 0600); }},
      {"openat2", [] { return call(SYS_openat2, AT_FDCWD, address_of(path)); }},
      {"ptrace", [] { return call(SYS_ptrace, PTRACE_TRACEME); }},
      {"process_vm_readv", [] { return call(SYS_process_vm_readv, parent, address_of(&piece), 1, 0, 0, 0); }},
      {"pidfd_getfd", [] { return call(SYS_pidfd_getfd, 0, 0, 0); }},
      {"setns", [] { return call(SYS_setns, 0, 0); }},
      {"unshare", [] { return call(SYS_unshare, CLONE_NEWUSER); }},
      {"mount", [] { return call(SYS_mount, 0, address_of("/"), 0, 0, 0); }},
      {"move_mount", [] { return call(SYS_move_mount, -1, 0, -1, 0, 0); }},
      {"pivot_root", [] { return call(SYS_pivot_root, address_of("."), address_of(".")); }},
      {"chroot", [] { return call(SYS_chroot, address_of("/")); }},
      {"clone of a process", [] { return call(SYS_clone, SIGCHLD); }},
      {"clone into a user namespace", [] { return call(SYS_clone, SIGCHLD | CLONE_NEWUSER); }},
      {"kill", [] { return call(SYS_kill, parent, 0); }},
      {"tgkill of another", [] { return call(SYS_tgkill, parent, parent, SIGABRT); }},
      {"tgkill with another signal", [] { return call(SYS_tgkill, getpid(), getpid(), SIGKILL); }},
      {"TIOCSTI", [] { return call(SYS_ioctl, 0, TIOCSTI, address_of("x")); }},
      {"TIOCSTI with bits above", [] { return call(SYS_ioctl, 0, TIOCSTI | 1L << 32, address_of("x")); }},
      {"mmap of code that can be written to",
       [] { return call(SYS_mmap, 0, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }},
      {"mprotect to code", [] { return call(SYS_mprotect, 0, 0, PROT_READ | PROT_EXEC); }},
      {"shmat", [] { return call(SYS_shmat, 0, 0, SHM_EXEC); }},
      {"memfd_create", [] { return call(SYS_memfd_create, address_of("x"), 0); }},
      {"personality", [] { return call(SYS_personality, 0xffffffff); }},
      {"raw socket", [] { return call(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_RAW); }},
      {"packet socket", [] { return call(SYS_socket, AF_PACKET, SOCK_DGRAM, 0); }},
      {"prctl", [] { return call(SYS_prctl, PR_SET_DUMPABLE, 1); }},
      {"seccomp", [] { return call(SYS_seccomp, 1, 0, 0); }},
      {"bpf", [] { return call(SYS_bpf, BPF_MAP_CREATE, 0, 0); }},
      {"perf_event_open", [] { return call(SYS_perf_event_open, 0, 0, -1, -1, 0); }},
      {"io_uring_setup", [] { return call(SYS_io_uring_setup, 1, 0); }},
      {"userfaultfd", [] { return call(SYS_userfaultfd, 0); }},
      {"add_key", [] { return call(SYS_add_key, 0, 0, 0, 0, 0); }},
      {"setuid", [] { return call(SYS_setuid, 0); }},
  };
  return attempts;
}

const std::vector<Attempt>& files() {
  static const std::vector<Attempt> attempts{
      {"open", [] { return call(SYS_openat, AT_FDCWD, address_of("/etc/passwd"), O_RDONLY); }},
      {"read of /proc", [] { return call(SYS_openat, AT_FDCWD, address_of("/proc/self/maps"), O_RDONLY); }},
      {"readlink", [] { return call(SYS_readlinkat, AT_FDCWD, address_of("/proc/self/exe"), 0, 0); }},
      {"stat", [] { return call(SYS_newfstatat, AT_FDCWD, address_of("/"), 0, 0); }},
      {"unlink", [] { return call(SYS_unlinkat, AT_FDCWD, address_of("/tmp/x"), 0); }},
  };
  return attempts;
}

const std::vector<Attempt>& sockets() {
  static const int family = has_ipv6() ? AF_INET6 : AF_INET;
  static const std::vector<Attempt> attempts{
      {"TCP socket", [] { return call(SYS_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); }},
      {"UDP socket", [] { return call(SYS_socket, family, SOCK_DGRAM, 0); }},
  };
  return attempts;
}

/// TCP connections by other calls than connect(), and kinds of sockets that Landlock has no rules for.
const std::vector<Attempt>& back_doors_to_tcp() {
  static const std::vector<Attempt> attempts{
      {"sendto that connects", [] { return call(SYS_sendto, -1, 0, 0, MSG_FASTOPEN | MSG_NOSIGNAL, 0, 0); }},
      {"sendto that connects, with bits above", [] { return call(SYS_sendto, -1, 0, 0, MSG_FASTOPEN | 1L << 32); }},
      {"sendmsg that connects", [] { return call(SYS_sendmsg, -1, 0, MSG_FASTOPEN); }},
      {"sendmmsg that connects", [] { return call(SYS_sendmmsg, -1, 0, 1, MSG_FASTOPEN | MSG_DONTWAIT); }},
      {"Multipath TCP", [] { return call(SYS_socket, AF_INET, SOCK_STREAM, IPPROTO_MPTCP); }},
      {"SCTP", [] { return call(SYS_socket, AF_INET6, SOCK_STREAM, IPPROTO_SCTP); }},
      {"echo requests", [] { return call(SYS_socket, AF_INET, SOCK_DGRAM, IPPROTO_ICMP); }},
  };
  return attempts;
}

#ifdef __x86_64__
/// The kernel's other system call interfaces: the filter sees x32's numbers even if the kernel does not support them,
/// but without a 32-bit entry there is no call to see.
std::vector<Attempt> other_architectures() {
  std::vector<Attempt> attempts{{"getpid of x32", [] { return call(SYS_getpid | 0x40000000L); }}};
  if (has_32bit_entry())
    attempts.push_back({"getpid of x86", [] { return call_32bit(20); }});
  else
    say_skipped("system calls of 32-bit programs: this kernel has no entry for them");
  return attempts;
}
#else
std::vector<Attempt> other_architectures() { return {}; }
#endif

void check_killed(const std::function<SyscallTable()>& table, const std::vector<Attempt>& attempts,
                  OnViolation on_violation = OnViolation::kill) {
  for (const Attempt& attempt : attempts) {
    CAPTURE(attempt.name);
    const int status = under(table, [&attempt] { return static_cast<int>(attempt.call() & 1); }, on_violation);
    CHECK(end_signal(status) == SIGSYS);
  }
}

void check_allowed(const std::function<SyscallTable()>& table, const std::vector<Attempt>& attempts) {
  for (const Attempt& attempt : attempts) {
    CAPTURE(attempt.name);
    CHECK(exit_status(under(table, [&attempt] { return attempt.call() < 0 ? 1 : 0; })) == 0);
  }
}

SyscallTable plain_tunnel() { return tunnel_syscalls({}); }

/// The output of `body` in a child.
std::string said_by(const std::function<int()>& body) {
  std::array<int, 2> pipe_ends{};
  REQUIRE(pipe2(pipe_ends.data(), O_CLOEXEC) == 0);
  const UniqueFd read_end(pipe_ends[0]);
  UniqueFd write_end(pipe_ends[1]);
  in_child([&] {
    dup2(write_end.get(), STDOUT_FILENO);
    return body();
  });
  write_end.reset();
  std::array<char, 1024> text{};
  const ssize_t size = read(read_end.get(), text.data(), text.size());
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

TEST_CASE("a child that crashes does not fail its test") {
  const auto fault = [] { return raise(SIGSEGV); };
  CHECK(end_signal(in_child(fault)) == SIGSEGV);
  CHECK(said_by(fault).empty());
}

TEST_CASE("this machine has filters of system calls, or the cases below are skipped") {
  if (!has_syscall_filters()) say_skipped("all of it: nothing can be filtered here");
}

TEST_SUITE_BEGIN("filters" * doctest::skip(!has_syscall_filters()));

TEST_CASE("a tunnel that tries to escape is killed") {
  check_killed(plain_tunnel, escapes());
  check_killed(plain_tunnel, files());
  check_killed(plain_tunnel, sockets());
  check_killed(plain_tunnel, other_architectures());
}

TEST_CASE("what forwards ports has sockets, connects none, and has nothing else more") {
  check_allowed(forwarder_syscalls, sockets());
  check_killed(forwarder_syscalls, escapes());
  check_killed(forwarder_syscalls, files());
  check_killed(forwarder_syscalls, back_doors_to_tcp());
  check_killed(forwarder_syscalls, other_architectures());
  check_killed(forwarder_syscalls,
               {{"UNIX socket", [] { return call(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }},
                {"netlink socket", [] { return call(SYS_socket, AF_NETLINK, SOCK_RAW, 0); }},
                {"connect", [] { return call(SYS_connect, -1, 0, 0); }},
                {"dup3", [] { return call(SYS_dup3, 0, 1, 0); }},
                {"socket filter", [] { return call(SYS_setsockopt, -1, SOL_SOCKET, SO_ATTACH_FILTER, 0, 0); }},
                {"fcntl", [] { return call(SYS_fcntl, 0, F_DUPFD, 0); }}});
}

TEST_CASE("what leads out has sockets and connects them, makes no listeners, and has nothing else more") {
  check_allowed(way_syscalls, sockets());
  check_killed(way_syscalls, escapes());
  check_killed(way_syscalls, files());
  check_killed(way_syscalls, back_doors_to_tcp());
  check_killed(way_syscalls, other_architectures());
  check_killed(way_syscalls, {{"UNIX socket", [] { return call(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }},
                              {"bind", [] { return call(SYS_bind, -1, 0, 0); }},
                              {"listen", [] { return call(SYS_listen, -1, 0); }},
                              {"dup3", [] { return call(SYS_dup3, 0, 1, 0); }}});
}

TEST_CASE("a tunnel that is configured while it runs can have another UDP port, and nothing else more") {
  const auto table = [] { return tunnel_syscalls({.threads = false, .control = true, .administration = false}); };
  check_allowed(table, {sockets().back(), {"UNIX datagrams", [] { return call(SYS_socket, AF_UNIX, SOCK_DGRAM, 0); }}});
  check_killed(table, escapes());
  check_killed(table, files());
  check_killed(table, back_doors_to_tcp());
  check_killed(table, {sockets().front(),
                       {"UNIX stream", [] { return call(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }},
                       {"netlink socket", [] { return call(SYS_socket, AF_NETLINK, SOCK_RAW, 0); }},
                       {"connect", [] { return call(SYS_connect, -1, 0, 0); }},
                       {"listen", [] { return call(SYS_listen, -1, 0); }},
                       {"another ioctl", [] { return call(SYS_ioctl, 0, TIOCGWINSZ, 0); }},
                       {"socket filter", [] { return call(SYS_setsockopt, -1, SOL_SOCKET, SO_ATTACH_FILTER, 0, 0); }}});
}

TEST_CASE("a tunnel that looks for routes, and answers, cannot connect by TCP") {
  const auto table = [] {
    return tunnel_syscalls({.threads = true, .control = true, .serving = true, .route_probes = true});
  };
  check_killed(table, {sockets().front()});
  check_killed(table, back_doors_to_tcp());
}

SyscallTable tunnel_with_threads() { return tunnel_syscalls({.threads = true, .control = false}); }

TEST_CASE("a tunnel that may start threads can, and cannot start processes") {
  const auto start_thread = [] {
    int seen = 1;
    std::thread([&seen] { seen = std::vector<int>(100'000, 0).back(); }).join();
    return seen;
  };
  check_killed(tunnel_with_threads, escapes());
  CHECK(exit_status(under(tunnel_with_threads, start_thread)) == 0);
  CHECK(end_signal(under(plain_tunnel, start_thread)) == SIGSYS);
}

TEST_CASE("a thread has the same table, and a violation kills the whole process") {
  for (const auto* attempts : {&escapes(), &files()}) {
    for (const Attempt& attempt : *attempts) {
      CAPTURE(attempt.name);
      const int status = under(tunnel_with_threads, [&attempt] {
        std::thread([&attempt] { attempt.call(); }).join();
        return 0;
      });
      CHECK(end_signal(status) == SIGSYS);
    }
  }
}

TEST_CASE("the janitor may remove files in the folders that it was given, and nowhere else; a tunnel may nowhere") {
  const UniqueFd folder(open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const int fd = folder.get();
  const auto table = [fd] { return janitor_syscalls(std::array{fd}); };
  const auto remove_in = [](long where, long flags) {
    return [=] { return call(SYS_unlinkat, where, address_of("wg4-no-such-file"), flags); };
  };
  CHECK(exit_status(under(table, [&] { return remove_in(fd, 0)() < 0 && errno == ENOENT ? 0 : 1; })) == 0);
  check_killed(table, {{"another folder", remove_in(AT_FDCWD, 0)}, {"a folder in it", remove_in(fd, AT_REMOVEDIR)}});
  check_killed(table, escapes());
  check_killed(table, files());
  check_killed(table, sockets());
  check_killed(plain_tunnel, {{"the same folder", remove_in(fd, 0)}});
}

TEST_CASE("the helper that configures has no sockets; the one that dials has those of IP") {
  const auto configures = [] { return helper_syscalls(HelperRole::configures); };
  const auto dials = [] { return helper_syscalls(HelperRole::dials); };
  check_killed(configures, sockets());
  check_allowed(dials, sockets());
  for (const auto& table : {std::function<SyscallTable()>(configures), std::function<SyscallTable()>(dials)}) {
    check_killed(table, escapes());
    check_killed(table, files());
    check_killed(table, other_architectures());
    check_killed(table, {{"netlink socket", [] { return call(SYS_socket, AF_NETLINK, SOCK_RAW, 0); }},
                         {"bind", [] { return call(SYS_bind, -1, 0, 0); }}});
  }
}

TEST_CASE("the watcher can watch, and do nothing else") {
  check_killed(watcher_syscalls, escapes());
  check_killed(watcher_syscalls, sockets());
  check_killed(watcher_syscalls, other_architectures());
  const auto looks = [](const Attempt& attempt) { return attempt.name == "stat"; };
  for (const Attempt& attempt : files())
    if (!looks(attempt)) check_killed(watcher_syscalls, {attempt});
}

TEST_CASE("the reloader starts programs, and does nothing to files or to other processes") {
  const std::vector<std::string> its_work{"execve",
                                          "execveat",
                                          "setns",
                                          "memfd_create",
                                          "prctl",
                                          "seccomp",
                                          "clone of a process",
                                          "clone into a user namespace"};
  for (const Attempt& attempt : escapes()) {
    if (std::ranges::find(its_work, attempt.name) != its_work.end()) continue;
    CAPTURE(attempt.name);
    const auto refused = [&attempt] { return attempt.call() == -1 && (errno == EPERM || errno == EACCES) ? 0 : 1; };
    CHECK(exit_status(under(reloader_syscalls, refused, OnViolation::refuse)) == 0);
  }
  const std::vector<Attempt> deeds{
      {"unlink", [] { return call(SYS_unlinkat, AT_FDCWD, address_of("/tmp/x"), 0); }},
      {"truncate", [] { return call(SYS_truncate, address_of("/dev/null"), 0); }},
      {"kill by descriptor", [] { return call(SYS_pidfd_send_signal, -1, SIGKILL, 0, 0); }},
      {"a device", [] { return call(SYS_mknodat, AT_FDCWD, address_of("/tmp/x"), S_IFCHR | 0600, 0); }},
  };
  for (const auto* attempts : {&deeds, &back_doors_to_tcp()}) {
    for (const Attempt& attempt : *attempts) {
      CAPTURE(attempt.name);
      const auto refused = [&attempt] { return attempt.call() == -1 && errno == EPERM ? 0 : 1; };
      CHECK(exit_status(under(reloader_syscalls, refused, OnViolation::refuse)) == 0);
    }
  }
  check_killed(reloader_syscalls, other_architectures(), OnViolation::refuse);
}

TEST_CASE("the resolver's unneeded calls fail, and it goes on") {
  for (const Attempt& attempt : escapes()) {
    CAPTURE(attempt.name);
    const auto refused = [&attempt] { return attempt.call() == -1 && (errno == EPERM || errno == EACCES) ? 0 : 1; };
    CHECK(exit_status(under(resolver_syscalls, refused, OnViolation::refuse)) == 0);
  }
  check_killed(resolver_syscalls, other_architectures(), OnViolation::refuse);
  check_allowed(resolver_syscalls, sockets());
  check_allowed(resolver_syscalls, {files()[0], files()[1]});
  const auto unix_socket = [] { return call(SYS_socket, AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM ? 0 : 1; };
  CHECK(exit_status(under(resolver_syscalls, unix_socket, OnViolation::refuse)) == 0);
  for (const Attempt& attempt : back_doors_to_tcp()) {
    CAPTURE(attempt.name);
    const auto refused = [&attempt] { return attempt.call() == -1 && errno == EPERM ? 0 : 1; };
    CHECK(exit_status(under(resolver_syscalls, refused, OnViolation::refuse)) == 0);
  }
}

TEST_CASE("under each table a process can allocate memory, and abort with a message") {
  const std::vector<std::function<SyscallTable()>> tables{plain_tunnel, watcher_syscalls, resolver_syscalls,
                                                          [] { return helper_syscalls(HelperRole::configures); }};
  for (const auto& table : tables) {
    const auto fill = [] {
      std::vector<std::uint8_t> memory(1'000'000, 1);
      memory.resize(50'000'000, 1);
      return memory.back() == 1 ? 0 : 1;
    };
    CHECK(exit_status(under(table, fill)) == 0);
    CHECK(end_signal(under(table, []() -> int { std::abort(); })) == SIGABRT);
  }
}

TEST_CASE("a refused call gets the errno of its line") {
  const auto table = [] {
    SyscallTable with_refusal = plain_tunnel();
    with_refusal.push_back({SYS_clone3, "asked for, and done without", {}, ENOSYS});
    return with_refusal;
  };
  CHECK(exit_status(under(table, [] { return call(SYS_clone3) == -1 && errno == ENOSYS ? 0 : 1; })) == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace wg4
