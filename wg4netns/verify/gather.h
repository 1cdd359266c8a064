#pragma once

#include <sys/types.h>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/commands/join_tunnel.h"
#include "wg4netns/verify/facts.h"

namespace wg4::verify {

/// The process of a pidfd, as this process sees it; 0 if it has ended.
[[nodiscard]] pid_t pid_of(const UniqueFd& pidfd);

/// Looks at a tunnel, from outside and from inside, and changes nothing in it.
[[nodiscard]] Result<Facts> gather(JoinedTunnel& tunnel);

}  // namespace wg4::verify
