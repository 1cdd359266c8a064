#pragma once
// Stock wg(8), made to see this user's tunnels. It looks for their sockets in /run/wireguard alone, which is root's: so
// it runs in a mount namespace in which the user's own folder is there.

#include <string>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// wireguard4netns wg ARGUMENTS
struct WgCommand {
  std::vector<std::string> arguments;
};

/// All that follows is wg's own.
[[nodiscard]] Parsed<WgCommand> parse_wg(const Arguments& arguments);

/// Becomes wg, and so returns only with an error. Status 127 if there is no wg, 126 if it cannot be run.
[[nodiscard]] Result<void> run_wg(const WgCommand& command);

}  // namespace wg4
