#pragma once

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/forward/rule.h"

namespace wg4::forward {

/// The host's socket of a rule, non-blocking: TCP listens, UDP reports the address that datagrams were sent to
/// (PKTINFO). 0.0.0.0 means IPv4 only, and :: means IPv6 only.
[[nodiscard]] Result<UniqueFd> open_listener(const Rule& rule);

}  // namespace wg4::forward
