#pragma once

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/forward/rule.h"

namespace wg4::forward {

/// The host's socket of a rule, non-blocking: TCP listens, UDP tells the address that datagrams came to (PKTINFO).
/// 0.0.0.0 is IPv4 alone and :: is IPv6 alone.
[[nodiscard]] Result<UniqueFd> open_listener(const Rule& rule);

}  // namespace wg4::forward
