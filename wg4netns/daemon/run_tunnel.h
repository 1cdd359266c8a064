#pragma once
// Everything is open: this process becomes one that only serves, and does so until the tunnel's end.

#include "shared/base/result.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/make_interface.h"
#include "wg4netns/daemon/prepare.h"

namespace wg4 {

/// Fails when the interface is deleted meanwhile, unless wg(8) configures it: deleting that is a way to end the tunnel.
[[nodiscard]] Result<void> run_tunnel(PreparedTunnel tunnel, AttachedInterface interface, const TunnelOptions& options);

}  // namespace wg4
