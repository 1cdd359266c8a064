#pragma once
// Runs stock wg(8) where it finds this user's tunnels. It looks for their sockets in /run/wireguard alone, which is
// root's: so it runs in a mount namespace that has the user's own folder in that place.

#include <string>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// wireguard4netns wg ARGUMENTS
struct WgCommand {
  std::vector<std::string> arguments;
};

/// All words that follow are for wg.
[[nodiscard]] Parsed<WgCommand> parse_wg(const Arguments& arguments);

/// Becomes wg, and so returns only with an error. Status 127 if there is no wg, 126 if it cannot be run.
[[nodiscard]] Result<void> run_wg(const WgCommand& command);

}  // namespace wg4
