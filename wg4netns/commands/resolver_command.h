#pragma once
// The program starts itself with this as its resolver process; not for people.

#include "shared/base/result.h"
#include "shared/sys/sandbox_mode.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// wireguard4netns resolver
struct ResolverCommand {
  SandboxMode sandbox = SandboxMode::automatic;
};

[[nodiscard]] Parsed<ResolverCommand> parse_resolver(const Arguments& arguments);
[[nodiscard]] Result<void> run_resolver_command(const ResolverCommand& command);

}  // namespace wg4
