#pragma once
// Features that some tests need and some machines lack: a test checks here first, and reports what is missing.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "shared/base/unique_fd.h"
#include "tests/support/in_child.h"

namespace wg4 {

/// Reports that a part of the running test was left out. tests/run.sh collects lines that begin like this one.
inline void say_skipped(const char* why) {
  std::printf("skipped: %s: %s: %s\n", program_invocation_short_name, doctest::getContextOptions()->currentTest->m_name,
              why);
}

#ifdef __x86_64__
/// Makes the system call `number` without arguments by the entry for 32-bit programs.
inline long call_32bit(long number) {
  long result = number;
  asm volatile("int $0x80" : "+a"(result) : : "memory");
  return result;
}

/// Whether the kernel has that entry: without it the processor faults.
inline bool has_32bit_entry() {
  constexpr long getpid_32bit = 20;
  return exit_status(in_child([] { return call_32bit(getpid_32bit) == getpid() ? 0 : 1; })) == 0;
}
#endif

inline bool has_ipv6() { return UniqueFd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)).valid(); }

/// Whether processes can have filters of system calls. QEMU's emulation of another processor has none.
inline bool has_syscall_filters() { return prctl(PR_GET_SECCOMP) >= 0; }

/// Whether the kernel reports the kind of a namespace. QEMU does not pass that call on.
inline bool tells_kinds_of_namespaces() {
  const UniqueFd namespace_fd(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  return ioctl(namespace_fd.get(), NS_GET_NSTYPE) >= 0;
}

}  // namespace wg4
