#pragma once
// seccomp(2): the system calls that a process may still make, as a table with a reason for each. Any other call ends
// the process, so code of an attacker in it can do no more than the table allows.

#include <cstdint>
#include <span>
#include <vector>

#include "shared/base/result.h"
#include "shared/sys/syscall_filter.h"

namespace wg4 {

/// One line of a table. Several lines for the same call are alternatives.
struct SyscallRule {
  int number;          ///< SCMP_SYS(name) of seccomp.h; a call that this machine does not have is ignored
  const char* reason;  ///< what needs it
  std::vector<ArgumentTest> arguments = {};  ///< all must hold
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

}  // namespace wg4
