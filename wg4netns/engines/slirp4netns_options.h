#pragma once
// The place of slirp4netns: attach, and the options of slirp4netns that concern engines.

#include "wg4netns/commands/cli.h"
#include "wg4netns/daemon/attach_options.h"

namespace wg4 {

/// wireguard4netns [OPTIONS] PID|PATH [IFNAME [CONF]]. The engine's network is there when the program is called as
/// slirp4netns, when the interface is tap0 (the name that engines give), or when an option of slirp4netns's says so.
[[nodiscard]] Parsed<AttachCommand> parse_attach(const Arguments& arguments);

}  // namespace wg4
