#include "shared/sys/syscall_tables.h"

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

#include "shared/sys/syscall_filter.h"

namespace wg4 {

SyscallTable runtime_syscalls() {
  return {
      {SCMP_SYS(brk), "malloc"},
      {SCMP_SYS(mmap),
       "malloc; never a file, never code",
       {without(2, PROT_EXEC), bits(3, MAP_ANONYMOUS, MAP_ANONYMOUS)}},
      {SCMP_SYS(munmap), "free"},
      {SCMP_SYS(mremap), "realloc of large blocks"},
      {SCMP_SYS(madvise), "free in the heap of a thread; keys left out of dumps"},
      {SCMP_SYS(mprotect), "malloc in the heap of a thread", {without(2, PROT_EXEC)}},
      {SCMP_SYS(futex), "std::call_once, in libraries too"},
      {SCMP_SYS(getrandom), "keys and nonces; malloc's own"},
      {SCMP_SYS(clock_gettime), "machines whose clock cannot be read without the kernel"},
      {SCMP_SYS(write), "log lines; ready-fd; wake-ups"},
      {SCMP_SYS(writev), "packets for the TUN; the C library's last words"},
      {SCMP_SYS(close), "descriptors at their end"},
      {SCMP_SYS(restart_syscall), "a wait goes on after SIGSTOP and SIGCONT"},
      {SCMP_SYS(exit_group), "the end"},
      // abort() of a CHECK or of the C library, which raises SIGABRT
      {SCMP_SYS(rt_sigprocmask), "abort"},
      {SCMP_SYS(getpid), "abort"},
      {SCMP_SYS(gettid), "abort"},
      {SCMP_SYS(tgkill), "abort: to this process alone", {equals(0, getpid()), equals(2, SIGABRT)}},
  };
}

SyscallTable ip_socket_syscalls(const char* reason) {
  constexpr int kind_mask = 0xf;  // of a socket's type; above it are SOCK_CLOEXEC and SOCK_NONBLOCK
  SyscallTable table;
  for (const int family : {AF_INET, AF_INET6})
    for (const int kind : {SOCK_STREAM, SOCK_DGRAM})
      table.push_back({SCMP_SYS(socket), reason, {equals(0, family), bits(1, kind_mask, kind), equals(2, 0)}});
  return table;
}

SyscallRule sendto_rule(const char* reason) { return {SCMP_SYS(sendto), reason, {without(3, MSG_FASTOPEN)}}; }
SyscallRule sendmsg_rule(const char* reason) { return {SCMP_SYS(sendmsg), reason, {without(2, MSG_FASTOPEN)}}; }
SyscallRule sendmmsg_rule(const char* reason) { return {SCMP_SYS(sendmmsg), reason, {without(3, MSG_FASTOPEN)}}; }

void append(SyscallTable& table, const SyscallTable& more) { table.insert(table.end(), more.begin(), more.end()); }

}  // namespace wg4
