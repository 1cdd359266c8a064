#pragma once

#include "netns-helper/container/mounts/mounts.h"
#include "shared/base/result.h"

namespace wg4::container {

/// Mounts the message queues of this process' IPC namespace.
[[nodiscard]] Result<void> mount_queues(const MountPoint& at);

}  // namespace wg4::container
