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
/// Where the UDP socket is bound, and the MTU: in the place of pasta these are called otherwise.
void add_binding_options(Parser& parser, TunnelOptions& options);
/// Those that have the same name in every place that the program takes.
void add_common_tunnel_options(Parser& parser, TunnelOptions& options, log::Level usual = log::Level::info);
Option add_sandbox_option(Parser& parser, SandboxMode& mode);
void add_helper_option(Parser& parser, std::optional<std::string>& helper);

}  // namespace wg4
