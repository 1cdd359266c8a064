#pragma once
// seccomp(2): the system calls that a process may still make, as a table in which each has its reason. What is not in
// the table ends the process: code that an attacker runs in it can compute, and do what the table says.

#include <cstdint>
#include <span>
#include <vector>

#include "shared/base/result.h"

namespace wg4 {

/// A condition on one argument: `argument & mask == value`. The kernel looks at 32 bits of what is an int in its
/// signature and not at what the caller left above them; so does the default mask.
struct ArgumentRule {
  unsigned index = 0;  ///< 0..5
  std::uint64_t value = 0;
  std::uint64_t mask = 0xffff'ffff;
};

/// The argument is `value`.
[[nodiscard]] inline ArgumentRule equals(unsigned index, int value) {
  return {.index = index, .value = static_cast<unsigned>(value)};
}

/// Of the argument's bits, those in `mask` are `value`.
[[nodiscard]] inline ArgumentRule bits(unsigned index, int mask, int value) {
  return {.index = index, .value = static_cast<unsigned>(value), .mask = static_cast<unsigned>(mask)};
}

/// None of the argument's bits in `mask` is set.
[[nodiscard]] inline ArgumentRule without(unsigned index, int mask) { return bits(index, mask, 0); }

/// One line of a table. Several lines for one call are alternatives.
struct SyscallRule {
  int number;          ///< SCMP_SYS(name) of seccomp.h; a call that this machine does not have is ignored
  const char* reason;  ///< what needs it
  std::vector<ArgumentRule> arguments = {};  ///< all must hold
  int error = 0;  ///< 0: allowed. An errno: refused with that, because a library asks and can do without
};

using SyscallTable = std::vector<SyscallRule>;

/// What becomes of calls that are in no line.
enum class OnViolation : std::uint8_t {
  kill,    ///< the whole process, by SIGSYS
  refuse,  ///< the call, by EPERM: for processes that run code of others (NSS modules)
};

/// Puts `table` in force for all threads of this process and all to come, for good. Calls of other architectures of the
/// machine (x86 and x32 on x86-64) kill whatever `on_violation` says. Sets no_new_privs.
[[nodiscard]] Result<void> restrict_syscalls(std::span<const SyscallRule> table, OnViolation on_violation);

}  // namespace wg4
