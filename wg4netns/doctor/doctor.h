#pragma once

#include <optional>
#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// wireguard4netns doctor [--json] [PROFILE|FILE]
struct DoctorCommand {
  bool json = false;
  std::optional<std::string> config;  ///< a file if there is one of that name, else a profile
};

[[nodiscard]] Parsed<DoctorCommand> parse_doctor(const Arguments& arguments);

/// Prints a line for each check. Fails if there is a problem.
[[nodiscard]] Result<void> run_doctor(const DoctorCommand& command);

}  // namespace wg4
