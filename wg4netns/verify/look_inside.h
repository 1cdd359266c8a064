#pragma once
// Looks at a tunnel from inside: a process enters its namespaces as a command does, tries every way out, and tells.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/supervise/keeper_client.h"
#include "wg4netns/verify/inside_facts.h"

namespace wg4::verify {

/// What is to be tried.
struct Targets {
  pid_t tunnel = 0;
  pid_t keeper = 0;
  std::string config{};
  std::string hidden_folder{};              ///< that is to look empty
  std::string control_socket{};             ///< of the tunnel
  std::vector<std::string> open{};          ///< paths that are open on purpose: not tried again
  std::vector<std::string> host_sockets{};  ///< outside of /run: not tried, but looked for
  std::uint16_t port_v4 = 0;                ///< that somebody listens at on the host's loopback; 0 = nobody
  std::uint16_t port_v6 = 0;
  std::string abstract_name{};  ///< likewise a UNIX socket
};

/// The network namespace of `room` is left as it was. An error if there is no such process at all.
[[nodiscard]] Result<InsideFacts> look_inside(const keeper::Room& room, const Targets& targets);

}  // namespace wg4::verify
