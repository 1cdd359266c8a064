#pragma once
// An OCI hook: a container runtime runs us while it makes a container, hands us the container's state, and goes on once
// we have ended. Annotations of the container say which tunnel it gets; a container without them is left alone.
//
//   runtime ── state ──► oci-hook ── fork ──► the tunnel, in the background; ends with the container
//     waits                 waits    ◄─ ready ──┘
//     starts the container ◄── 0;  or 1 and a sentence on stderr and in the system's log: the container fails
//
// In rootless Podman we are "root" in podman's user namespace then, in the host's network, and may have no environment.

#include <set>
#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/daemon/attach_options.h"

namespace wg4 {

/// wireguard4netns oci-hook createRuntime
struct OciHookCommand {
  AttachCommand attach;                       ///< without the target, which standard input names
  std::set<std::string> allowed_annotations;  ///< of oci::optional_annotations
};

[[nodiscard]] Parsed<OciHookCommand> parse_oci_hook(const Arguments& arguments);

/// Reads the state from standard input.
[[nodiscard]] Result<void> run_oci_hook(const OciHookCommand& command);

}  // namespace wg4
