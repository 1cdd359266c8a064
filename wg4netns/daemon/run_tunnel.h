#pragma once
// Everything is open: this process becomes one that only serves, and does so until the tunnel's end.

#include "shared/base/result.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/make_interface.h"
#include "wg4netns/daemon/prepare.h"

namespace wg4 {

/// Fails when the interface goes away under it, unless it is wg(8)'s to configure: then whoever made it may delete it.
[[nodiscard]] Result<void> run_tunnel(PreparedTunnel tunnel, AttachedInterface interface, const TunnelOptions& options);

}  // namespace wg4
