#pragma once
// The process of a container's command, from the init's fork on.

#include <sys/types.h>

#include <initializer_list>
#include <optional>

#include "netns-helper/container/setup.h"
#include "shared/base/result.h"

namespace wg4::container {

/// In the command's process: takes its descriptors, working folder and signals, goes under its Landlock domain and,
/// last of all, its filters, and runs it. Returns only if that fails: why. `moved` are descriptors that the caller
/// needs then: they get new numbers.
[[nodiscard]] Failure run_command(const SetUp& set_up, std::initializer_list<int*> moved);

struct StartedCommand {
  pid_t pid = -1;
  std::optional<int> failure_status{};  ///< it does not run: its process has sent a Failure, and has ended with this
};

/// Forks. Returns when the command runs, or does not.
[[nodiscard]] Result<StartedCommand> start_command(const SetUp& set_up, int socket);

}  // namespace wg4::container
