#pragma once
// What the namespace listens on, for a host program that publishes such ports by itself. The kernel's tables belong to
// the namespace that they were opened in, whoever reads them.

#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// /proc/net/tcp, udp, tcp6 and udp6 of this thread's network namespace; without the last two where there is no IPv6.
[[nodiscard]] Result<std::vector<UniqueFd>> open_port_tables();

}  // namespace wg4
