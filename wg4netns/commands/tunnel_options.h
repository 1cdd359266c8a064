#pragma once
// The options of every command that runs a tunnel.

#include <optional>
#include <string>

#include "shared/sys/log.h"
#include "shared/sys/sandbox_mode.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/daemon/attach_options.h"

namespace wg4 {

/// All of them.
void add_tunnel_options(Parser& parser, TunnelOptions& options);
/// The binding of the UDP socket, and the MTU: these have other names in the place of pasta.
void add_binding_options(Parser& parser, TunnelOptions& options);
/// Those that have the same name whichever program this one takes the place of.
void add_common_tunnel_options(Parser& parser, TunnelOptions& options, log::Level usual = log::Level::info);
Option add_sandbox_option(Parser& parser, SandboxMode& mode);
void add_helper_option(Parser& parser, std::optional<std::string>& helper);

}  // namespace wg4
