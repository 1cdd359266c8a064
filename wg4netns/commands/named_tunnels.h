#pragma once
// Tunnels by their names, for commands to run in: up, down, ps.

#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/run_options.h"

namespace wg4 {

/// wireguard4netns up [OPTIONS] PROFILE|FILE
struct UpCommand {
  RunOptions options;
  bool foreground = false;  ///< stay until the tunnel ends
};

/// wireguard4netns down [--force] NAME
struct DownCommand {
  std::string name;
  bool force = false;
};

/// wireguard4netns ps [--json]
struct PsCommand {
  bool json = false;
};

[[nodiscard]] Parsed<UpCommand> parse_up(const Arguments& arguments);
[[nodiscard]] Parsed<DownCommand> parse_down(const Arguments& arguments);
[[nodiscard]] Parsed<PsCommand> parse_ps(const Arguments& arguments);

[[nodiscard]] Result<void> run_up(const UpCommand& command);
[[nodiscard]] Result<void> run_down(const DownCommand& command);
[[nodiscard]] Result<void> run_ps(const PsCommand& command);

}  // namespace wg4
