#include "shared/sys/seccomp.h"

#include <linux/seccomp.h>

#include <cerrno>

namespace wg4 {
namespace {

constexpr std::uint32_t refusal(int error) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error); }

}  // namespace

Result<void> restrict_syscalls(std::span<const SyscallRule> table, OnViolation on_violation) {
  if constexpr (sizeof(void*) < 8)
    return fail("the system call filter is for 64-bit machines: others make other calls for the same things");
  SyscallFilter filter{
      .otherwise = on_violation == OnViolation::kill ? SECCOMP_RET_KILL_PROCESS : refusal(EPERM),
      .other_architectures = SECCOMP_RET_KILL_PROCESS,
      .architectures = {native_architecture()},
      .calls = {},
      .as_tree = true,
  };
  for (const SyscallRule& rule : table)
    filter.calls.push_back({rule.number, rule.error == 0 ? SECCOMP_RET_ALLOW : refusal(rule.error), rule.arguments});
  return confine_all_threads(filter);
}

}  // namespace wg4
