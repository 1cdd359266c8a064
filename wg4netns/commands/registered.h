#pragma once
// A tunnel's entry in the registry, which its process wrote at its start (supervise/registry.h), beside the answers of
// its control socket. An attacker who has taken the tunnel over gives those answers: so the control socket is not asked
// which of the user's files to read.

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

/// The status that the tunnel tells, but with the configuration file of its registry entry, if it has one.
[[nodiscard]] OwnStatus ask_registered_status(const RunningTunnel& tunnel,
                                              const std::vector<registry::Running>& running);

}  // namespace wg4
