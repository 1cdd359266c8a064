#pragma once
// A tunnel that commands run in: joined if it runs, else made.
//
//   under the folder's lock: keeper (namespaces) ─► tunnel (attach) ─► names ─► keeper's view ─► tunnel ready ─► serve
//
// Whatever fails on the way, what was begun before ends by itself: the keeper with its maker, the tunnel with its
// keeper.

#include <chrono>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/commands/run_options.h"
#include "wg4netns/supervise/keeper_client.h"
#include "wg4netns/supervise/tunnel_folder.h"

namespace wg4 {

/// For the lock of a tunnel's folder: another start waits up to 5 s for DNS, and for its helper.
inline constexpr std::chrono::seconds lock_patience{30};

struct JoinedTunnel {
  TunnelFolder folder;  ///< locked until the caller has told the keeper of a process inside
  keeper::Client keeper;
  keeper::Room room;
  bool made = false;  ///< and not joined
};

/// The name for a tunnel of these options: the given one, or the profile's or file's.
[[nodiscard]] Result<std::string> tunnel_name(const RunOptions& options);

[[nodiscard]] Result<JoinedTunnel> join_or_make(const RunOptions& options);

/// A tunnel that runs, by its name or the PID of a process in it; without either the only one. An error names those
/// that run.
[[nodiscard]] Result<JoinedTunnel> join_running(const std::string& name_or_pid);

}  // namespace wg4
