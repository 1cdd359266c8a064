#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// wireguard4netns verify [--json] [--watch[=SECONDS]] [NAME|PID]
struct VerifyCommand {
  std::string name;
  bool json = false;
  std::optional<std::chrono::milliseconds> watch;
};

/// Exit status: it could not be determined whether the tunnel is isolated.
inline constexpr int verify_unknown = 2;

[[nodiscard]] Parsed<VerifyCommand> parse_verify(const Arguments& arguments);

/// Prints a line for each check. The exit status: 0 if the isolation is proven, 1 if there is a problem, else 2.
[[nodiscard]] Result<int> run_verify(const VerifyCommand& command);

}  // namespace wg4
