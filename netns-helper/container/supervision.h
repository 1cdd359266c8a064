#pragma once
// What the init does while the command runs: it reaps whatever has lost its parent, passes signals on, and keeps the
// time limits.
//
//   the command runs ── it ends ──► waits for what it has left, at most `adopt_wait_delay` ──► kills the rest
//        │ cancel
//        └── forward_cancel ──► SIGINT to the command, at most `wait_delay` ──► kills all
//            else ───────────────────────────────────────────────────────────► kills all

#include <sys/types.h>

#include "netns-helper/container/container.h"
#include "netns-helper/container/setup.h"
#include "shared/sys/signals.h"

namespace wg4::container {

struct Supervised {
  pid_t command = -1;
  int starter = -1;  ///< socket; its end is the container's
  const SetUp& set_up;
};

/// In process 1 of a PID namespace, with all signals blocked, which arrive by `signals`. Returns when nothing else runs
/// in there.
[[nodiscard]] Ending supervise(const Supervised& supervised, SignalFd& signals);

}  // namespace wg4::container
