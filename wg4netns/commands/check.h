#pragma once

#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// wireguard4netns check FILE
struct CheckCommand {
  std::string file;
};

[[nodiscard]] Parsed<CheckCommand> parse_check(const Arguments& arguments);

/// Validates a configuration and prints what it would do. Looks nothing up and changes nothing.
[[nodiscard]] Result<void> check(const CheckCommand& command);

}  // namespace wg4
