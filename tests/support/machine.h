#pragma once
// What a test needs and not every machine has: it asks here first, and says so where it is missing.

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

/// Says that a part of the running test was left out. tests/run.sh collects lines that begin like this one.
inline void say_skipped(const char* why) {
  std::printf("skipped: %s: %s: %s\n", program_invocation_short_name, doctest::getContextOptions()->currentTest->m_name,
              why);
}

#ifdef __x86_64__
/// The system call `number` without arguments, by the way in for 32-bit programs.
inline long call_32bit(long number) {
  long result = number;
  asm volatile("int $0x80" : "+a"(result) : : "memory");
  return result;
}

/// Whether the kernel has that way in: without it the processor faults.
inline bool has_32bit_entry() {
  constexpr long getpid_32bit = 20;
  return exit_status(in_child([] { return call_32bit(getpid_32bit) == getpid() ? 0 : 1; })) == 0;
}
#endif

inline bool has_ipv6() { return UniqueFd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)).valid(); }

/// Whether processes can have filters of system calls. QEMU, where it plays another processor, passes on none.
inline bool has_syscall_filters() { return prctl(PR_GET_SECCOMP) >= 0; }

/// Whether the kernel tells of what kind a namespace is. QEMU does not pass the question on.
inline bool tells_kinds_of_namespaces() {
  const UniqueFd namespace_fd(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  return ioctl(namespace_fd.get(), NS_GET_NSTYPE) >= 0;
}

}  // namespace wg4
