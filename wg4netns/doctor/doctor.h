#pragma once

#include <optional>
#include <string>

#include "shared/base/result.h"

namespace wg4 {

/// wireguard4netns doctor [--json] [PROFILE|FILE]
struct DoctorCommand {
  bool json = false;
  std::optional<std::string> config;  ///< a file if there is one of that name, else a profile
};

/// Prints a line for each check. Fails if there is a problem.
[[nodiscard]] Result<void> run_doctor(const DoctorCommand& command);

}  // namespace wg4
