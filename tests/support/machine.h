#pragma once
// What a test needs and not every machine has: it asks here first, and says so where it is missing.

#include <doctest/doctest.h>
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

}  // namespace wg4
