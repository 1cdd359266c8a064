#pragma once
// Listeners in the namespace, for ways out of it that the user wants: the host program serves them from outside.

#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/handoff/handoff.h"
#include "shared/sys/netlink.h"

namespace wg4 {

/// Those that `begin` names. They get what the namespace itself sends, and nothing that comes in through the tunnel.
/// Without IPv6 those at ::1 are left out.
[[nodiscard]] Result<std::vector<UniqueFd>> open_listeners(Netlink& netlink, const handoff::Begin& begin);

}  // namespace wg4
