// Newer architectures (64-bit ARM) lack older system calls of x86-64, and the C library makes the newer calls instead:
// a table that names the older call must also name its successor.

#include <doctest/doctest.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "netns-helper/syscall_tables.h"
#include "shared/sys/seccomp.h"
#include "wg4netns/daemon/syscall_tables.h"

namespace wg4 {
namespace {

/// A call, and what the C library makes in its place where the machine does not have it (or, for fstat, where that
/// library is of another age).
struct Successor {
  const char* name;
  int older;
  int newer;
};

const std::vector<Successor>& successors() {
  static const std::vector<Successor> all{
      {"dup2", SCMP_SYS(dup2), SCMP_SYS(dup3)},
      {"fork", SCMP_SYS(fork), SCMP_SYS(clone)},
      {"vfork", SCMP_SYS(vfork), SCMP_SYS(clone)},
      {"access", SCMP_SYS(access), SCMP_SYS(faccessat)},
      {"epoll_wait", SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait)},
      {"fstat", SCMP_SYS(fstat), SCMP_SYS(newfstatat)},
      {"open", SCMP_SYS(open), SCMP_SYS(openat)},
      {"poll", SCMP_SYS(poll), SCMP_SYS(ppoll)},
      {"readlink", SCMP_SYS(readlink), SCMP_SYS(readlinkat)},
      {"select", SCMP_SYS(select), SCMP_SYS(pselect6)},
      {"stat", SCMP_SYS(stat), SCMP_SYS(newfstatat)},
  };
  return all;
}

std::vector<std::pair<std::string, SyscallTable>> tables() {
  return {
      {"tunnel",
       tunnel_syscalls(
           {.threads = true, .control = true, .serving = true, .route_probes = true, .leaves_interface = true})},
      {"forwarder", forwarder_syscalls()},
      {"ways out", way_syscalls()},
      {"resolver", resolver_syscalls()},
      {"reloader", reloader_syscalls()},
      {"janitor", janitor_syscalls(std::array{3})},
      {"watcher", watcher_syscalls()},
      {"helper that configures", helper_syscalls(HelperRole::configures)},
      {"helper that dials", helper_syscalls(HelperRole::dials)},
  };
}

std::ptrdiff_t rules_for(const SyscallTable& table, int number) {
  return std::ranges::count_if(table, [number](const SyscallRule& rule) { return rule.number == number; });
}

bool names(const SyscallTable& table, int number) {
  return std::ranges::any_of(table, [number](const SyscallRule& rule) { return rule.number == number; });
}

TEST_CASE("a table with a call that other machines lack has the call that is made there instead") {
  for (const auto& [process, table] : tables()) {
    for (const Successor& call : successors()) {
      CAPTURE(process);
      CAPTURE(call.name);
      if (names(table, call.older)) CHECK(names(table, call.newer));
    }
  }
}

TEST_CASE("no line is of a call that this machine lacks, but for those that have a successor") {
  for (const auto& [process, table] : tables()) {
    for (const SyscallRule& rule : table) {
      CAPTURE(process);
      CAPTURE(rule.reason);
      const bool succeeded = std::ranges::find(successors(), rule.number, &Successor::older) != successors().end();
      CHECK((rule.number >= 0 || succeeded));
    }
  }
}

TEST_CASE("a tunnel changes the life of its interface only if the namespace ends with it") {
  CHECK(rules_for(tunnel_syscalls({}), SCMP_SYS(ioctl)) == 0);
  CHECK(rules_for(tunnel_syscalls({.leaves_interface = true}), SCMP_SYS(ioctl)) == 1);
}

}  // namespace
}  // namespace wg4
