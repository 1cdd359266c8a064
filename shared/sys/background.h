#pragma once
// Runs a program in the background once it is ready, for callers that wait until then and not longer: Podman when it
// starts this program as pasta, OCI hooks.
//
//      caller's process                        the one that stays
//      run_in_background ──── fork ──────────► body(ready_fd), a session of its own, in /
//         waits            ◄── "1" ───────────   ready          goes on, heard by nobody
//         returns its pid  ◄── or an error ───   failed         ends
//
// The stderr of the process that stays is a file in memory. At the end of its wait the caller's process copies it to
// its own stderr and then seals it: from then on writes fail, without a signal, also in child processes. So a program
// that reads our stderr to its end does not wait for the daemon, and the file does not grow unseen.

#include <sys/types.h>

#include <functional>
#include <span>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// Runs `body` in a child in the background. Returns in the caller's process only: the child's process id once "1" was
/// written to `ready_fd` there, or the error if the child has failed before. If the caller's process is killed while it
/// waits, writing to `ready_fd` fails.
///
/// To be called before threads start and secrets are read. Closes all descriptors above 2, in both processes, except
/// `keep`. The child's working directory is `/`: make paths absolute before.
[[nodiscard]] Result<pid_t> run_in_background(const std::function<Result<void>(UniqueFd ready_fd)>& body,
                                              std::span<const int> keep = {});

}  // namespace wg4
