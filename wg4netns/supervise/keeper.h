#pragma once
// The keeper: a process inside the namespaces of a tunnel that commands run in. It holds them, lets clients join them,
// counts who is inside, and ends with the last one, and the tunnel with it. It has no key, and starts nothing.
//
//     client ── fork ──► keeper: new namespaces, its view of names, then this loop      tunnel: keys, host's network
//        │                  │  ◄──── joins, and tells of its command (keeper_message.h)     │
//        │                  │  ────────────── watched by its pidfd, each the other ─────────┘
//        └── fork ──► command, in the keeper's namespaces
//
// Commands are not its children: each is the child of the client that a shell waits for. What of them is left when
// their client has ended is found in /proc (netns_processes.h).

#include <optional>
#include <string>
#include <vector>

#include "netns-helper/container/command_rules.h"
#include "netns-helper/container/new_root.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::keeper {

/// A container around the commands: a root of its own, and namespaces of IPC, host name and cgroups.
struct ContainerPlan {
  container::NewRoot root;        ///< its sources are what is seen without it: with an /etc and a /run of our own
  std::string hostname;           ///< empty: the host's
  container::CommandRules rules;  ///< for each command
  std::string directory{};        ///< for commands whose working directory is not inside
};

/// What the namespaces are to be.
struct Plan {
  bool own_pids = false;                     ///< a PID namespace as well, of which the keeper is process 1
  bool sudo = false;                         ///< sudo and su work in there, for the ids of the user namespace
  bool session_bus = false;                  ///< the user's D-Bus stays reachable
  bool system_bus = false;                   ///< likewise the host's
  std::vector<std::string> hidden{};         ///< folders of the user's that look empty in there
  std::optional<ContainerPlan> container{};  ///< with `own_pids`
};

/// The whole life of the keeper of the tunnel `name`, in a process that was forked for it. `maker` is the socket of the
/// client that makes the tunnel; `listener` is that of the tunnel's folder. What goes wrong is told to the maker.
[[nodiscard]] Result<void> run(const Plan& plan, const std::string& name, UniqueFd listener, UniqueFd maker);

}  // namespace wg4::keeper
