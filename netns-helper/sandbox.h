#pragma once
// What this process gives up. It works among processes that it has no reason to trust, with rights over their
// network: it should hold little, for a short time, and outlive nobody.

#include <sys/types.h>

#include <span>

#include "netns-helper/syscall_tables.h"
#include "shared/base/result.h"
#include "shared/sys/sandbox_mode.h"

namespace wg4 {

/// No new privileges (so that no exec could gain any), no descriptors but 0, 1, 2 and `keep`.
[[nodiscard]] Result<void> protect_process(std::span<const int> keep);

/// Not traceable by others, ended by the end of `parent`. Joining a user namespace takes both back: call it again.
[[nodiscard]] Result<void> stay_with_parent(pid_t parent);

/// No files, no TCP but what `role` needs (Landlock), no system calls but helper_syscalls(role). To be called once the
/// TUN is made.
[[nodiscard]] Result<void> confine(SandboxMode mode, HelperRole role);

}  // namespace wg4
