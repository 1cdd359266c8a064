#pragma once
// A program that goes on in the background once it works, for callers that wait for no more than that: pasta's place
// in Podman, OCI hooks.
//
//      caller's process                        the one that stays
//      run_in_background ──── fork ──────────► body(ready_fd), a session of its own, in /
//         waits            ◄── "1" ───────────   ready          goes on, heard by nobody
//         returns its pid  ◄── or an error ───   failed         ends
//
// What the one that stays writes to stderr goes to a file in memory, which the caller's process copies to its own
// stderr at the end of its wait and then seals: from then on such writes fail, without a signal and in every process
// below. So nobody who reads our stderr to its end waits for a daemon, and no log grows unseen.

#include <sys/types.h>

#include <functional>
#include <span>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// Runs `body` in a child in the background. Returns in the caller's process alone: with the child's process id once
/// somebody there has written "1" to `ready_fd`, or with the error if it has failed before that. When the caller's
/// process is killed while it waits, writing to `ready_fd` fails.
///
/// To be called before threads start and secrets are read. Closes what is open above 2, in both processes, except
/// `keep`. The child is in `/`: make paths absolute before.
[[nodiscard]] Result<pid_t> run_in_background(const std::function<Result<void>(UniqueFd ready_fd)>& body,
                                              std::span<const int> keep = {});

}  // namespace wg4
