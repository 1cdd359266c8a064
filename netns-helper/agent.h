#pragma once
// The helper's second life, only for published ports: it dials in the namespace what the host program asks for, and
// hands the sockets out. A socket belongs to the namespace that it was made in, whoever holds it, so that all data
// then flows past this process. It needs no privilege at all, and keeps no socket.

#include "shared/base/result.h"

namespace wg4 {

/// Answers one handoff::Dial after the other until the host program closes its end.
[[nodiscard]] Result<void> run_agent(int host);

}  // namespace wg4
