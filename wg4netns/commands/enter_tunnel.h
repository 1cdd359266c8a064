#pragma once
// How a process enters a tunnel: each command does before it starts, and so do the processes of this program that work
// inside.

#include "netns-helper/container/confine_command.h"
#include "shared/base/result.h"
#include "wg4netns/supervise/keeper_client.h"

namespace wg4 {

/// Into the namespaces of the keeper, for a process of one thread. Its next child is in the PID namespace, if there is
/// one; its working directory is the root.
[[nodiscard]] Result<void> enter_tunnel(const keeper::Room& room);

/// Gives up what commands do without, for good.
[[nodiscard]] Result<container::Confined> confine_in_tunnel(const keeper::Room& room);

}  // namespace wg4
