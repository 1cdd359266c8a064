#pragma once
// Which processes descend from which, and which are the jobs of a shell: as far as /proc shows it.

#include <sys/types.h>

#include <optional>

namespace wg4 {

/// Nothing for a process that has ended, or that this /proc does not show; 0 if the parent is in another PID namespace.
[[nodiscard]] std::optional<pid_t> parent_of(pid_t pid);

/// True if `pid` is `ancestor`, or was started by it, or by a process that it has started, and so on. A process whose
/// parent has ended is no longer known as a descendant.
[[nodiscard]] bool descends_from(pid_t pid, pid_t ancestor);

/// True if this process was started as a job by a shell with job control, which watches how it ends and stops.
[[nodiscard]] bool is_job_of_shell();

/// True if nobody is there to see that this process's group has stopped, or to continue it (setpgid(2), "orphaned").
/// Only this process's ancestors are looked at.
[[nodiscard]] bool group_is_orphaned();

}  // namespace wg4
