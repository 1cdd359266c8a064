#pragma once
// The target that a tunnel is attached to, looked up once and before anything else: a process id can come to mean
// another process, and a path another file. All later stages use the descriptors.

#include <sys/types.h>

#include <optional>
#include <string>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/namespaces.h"
#include "wg4netns/daemon/attach_options.h"

namespace wg4 {

struct Target {
  bool is_process = false;      ///< named by its PID, not by a path
  pid_t pid = 0;                ///< that PID
  UniqueFd process;             ///< a pidfd: of that process, or of the one whose /proc/PID a path is in; else invalid
  TargetNamespaces namespaces;  ///< its name is in the words of the user
};

/// The namespaces that `command` names. By whatever name, the network that this program itself is in is an error, since
/// all programs there would use the tunnel; but not for an interface that wg(8) is to configure there.
[[nodiscard]] Result<Target> open_target(const AttachCommand& command);

}  // namespace wg4
