#pragma once
// seccomp(2): the system calls that a process may still make, as a table with a reason for each. Any other call ends
// the process, so code of an attacker in it can do no more than the table allows.

#include <cstdint>
#include <span>
#include <vector>

#include "shared/base/result.h"

namespace wg4 {

/// A condition on one argument: `argument & mask == value`. For a parameter of type int the kernel ignores the upper 32
/// bits; so does the default mask.
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

/// One line of a table. Several lines for the same call are alternatives.
struct SyscallRule {
  int number;          ///< SCMP_SYS(name) of seccomp.h; a call that this machine does not have is ignored
  const char* reason;  ///< what needs it
  std::vector<ArgumentRule> arguments = {};  ///< all must hold
  int error = 0;  ///< 0: allowed. An errno: fails with that, for a call of a library that can do without it
};

using SyscallTable = std::vector<SyscallRule>;

/// What happens at calls that are in no line.
enum class OnViolation : std::uint8_t {
  kill,    ///< the whole process, by SIGSYS
  refuse,  ///< the call, by EPERM: for processes that run code of others (NSS modules)
};

/// Applies `table` to all present and later threads of this process, for good. Calls of the machine's other
/// architectures (x86 and x32 on x86-64) kill the process even with OnViolation::refuse. Sets no_new_privs.
[[nodiscard]] Result<void> restrict_syscalls(std::span<const SyscallRule> table, OnViolation on_violation);

/// The opposite: lets this thread and its descendants make all calls but those in `table`, whose lines all have an
/// error. For all architectures whose programs this machine runs. Does not set no_new_privs: it is needed, or
/// CAP_SYS_ADMIN in this process's user namespace.
[[nodiscard]] Result<void> refuse_syscalls(std::span<const SyscallRule> table);

}  // namespace wg4
