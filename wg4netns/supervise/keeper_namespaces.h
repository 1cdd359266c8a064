#pragma once
// The namespaces of a keeper, made by itself, step by step with the client that makes the tunnel (keeper_message.h).

#include <optional>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/supervise/keeper.h"
#include "wg4netns/supervise/keeper_message.h"

namespace wg4::keeper {

struct Namespaces {
  UniqueFd user;
  UniqueFd net;
  UniqueFd mounts;
  UniqueFd pids;                 ///< invalid without one of its own
  std::vector<UniqueFd> others;  ///< of a container: IPC, host name, cgroups
  IdsMapped ids;
};

/// User, network, mount and, if wanted, PID namespaces and those of a container, in which the caller is from then on.
/// With a PID namespace the caller's process ends, and a child of it returns from here. Nothing if the maker has ended.
[[nodiscard]] Result<std::optional<Namespaces>> make_namespaces(const Plan& plan, int maker);

}  // namespace wg4::keeper
