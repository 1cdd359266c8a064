#pragma once
// What a tunnel's process has written down of itself at its start (supervise/registry.h), beside what its control
// socket says. The socket is answered by whoever has taken the tunnel over: it is not asked which file of the user's to
// read.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "wg4netns/supervise/registry.h"
#include "wg4netns/uapi/control_client.h"

namespace wg4 {

/// The path of the file that the tunnel of this process was started with; empty if it was started without one, nothing
/// if the process has no entry.
[[nodiscard]] std::optional<std::string> registered_config(pid_t owner, const std::vector<registry::Running>& running);

/// What the tunnel says, with the registry's word on its file, if that has one.
[[nodiscard]] OwnStatus ask_registered_status(const RunningTunnel& tunnel,
                                              const std::vector<registry::Running>& running);

}  // namespace wg4
