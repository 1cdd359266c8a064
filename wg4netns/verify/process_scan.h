#pragma once
// The processes of a tunnel, looked at from outside: the owner of its user namespace may look into all of them.

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/verify/facts.h"

namespace wg4::verify {

/// Of this process.
[[nodiscard]] NamespaceIds own_namespaces();

/// What processes of a tunnel are compared with.
struct Surroundings {
  NamespaceIds host{};
  NamespaceIds tunnel{};
  pid_t keeper = 0;              ///< which is no command
  std::uint64_t net_cookie = 0;  ///< of the tunnel's sockets; 0 = unknown
};

/// All that are in the tunnel's network, mount or user namespace.
[[nodiscard]] Result<std::vector<ProcessFacts>> look_at_processes(const Surroundings& around);

}  // namespace wg4::verify
