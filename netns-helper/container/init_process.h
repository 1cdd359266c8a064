#pragma once
// Makes the process that becomes a container's init: in new namespaces, with all capabilities there, and with nothing
// of this program but what it is given.

#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/sys/process.h"

namespace wg4::container {

struct InitProcess {
  std::string program = {};           ///< path
  std::vector<InheritedFd> fds = {};  ///< all that it has
  bool own_network = true;            ///< a new and empty network namespace
  int network = -1;                   ///< or this one
  int cgroup = -1;                    ///< a folder of cgroup 2 to start in, instead of ours
  bool new_session = true;
};

/// Returns when it runs `program`, with all signals blocked and an empty environment; no id is mapped yet. It is killed
/// when the calling thread ends, or the Child. From another thread than the first too, and with others beside it.
[[nodiscard]] Result<Child> start_init(const InitProcess& request);

}  // namespace wg4::container
