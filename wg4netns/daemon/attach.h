#pragma once
// The main job: from a configuration file to a tunnel that serves until its end.

#include "shared/base/result.h"
#include "wg4netns/daemon/attach_options.h"

namespace wg4 {

/// Gives a network namespace a WireGuard interface, and serves it.
[[nodiscard]] Result<void> attach(const AttachCommand& command);

/// Serves a TUN that somebody else made and configures.
[[nodiscard]] Result<void> serve_descriptor(const ServeCommand& command);

}  // namespace wg4
