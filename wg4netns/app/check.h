#pragma once

#include "shared/base/result.h"
#include "wg4netns/app/cli.h"

namespace wg4 {

/// Validates a configuration and prints what it would do. Looks nothing up and changes nothing.
[[nodiscard]] Result<void> check(const CheckCommand& command);

}  // namespace wg4
