#include "netns-helper/sandbox.h"

#include <sys/prctl.h>

#include <cerrno>

#include "shared/sys/landlock.h"
#include "shared/sys/process.h"
#include "shared/sys/seccomp.h"

namespace wg4 {

Result<void> protect_process(std::span<const int> keep) {
  // Run from memory, the process would otherwise be called by a number.
  prctl(PR_SET_NAME, "wg4netns-helper");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail("set no_new_privs", errno);
  close_others(keep);  // the host program leaves nothing else open anyway
  return {};
}

Result<void> stay_with_parent(pid_t parent) {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail("set this process not dumpable", errno);
  if (!die_with_parent(parent)) return fail("the host program has ended");
  return {};
}

Result<void> confine(SandboxMode mode, HelperRole role) {
  if (mode == SandboxMode::off) return {};
  const bool required = mode == SandboxMode::on;
  if (has_landlock()) {
    const auto restricted =
        restrict_by_landlock({.paths = {}, .tcp_bind = false, .tcp_connect = role == HelperRole::dials});
    if (!restricted && required) return restricted;
  }
#ifdef WG4_SANITIZED
  return {};  // a sanitizer's report makes calls of all kinds, and must not die of it
#else
  const auto restricted = restrict_syscalls(helper_syscalls(role), OnViolation::kill);
  return restricted || !required ? Result<void>{} : restricted;
#endif
}

}  // namespace wg4
