#pragma once

#include "shared/base/result.h"

namespace wg4 {

/// Gives up, for good, what serving a tunnel does not need: all capabilities, the means to gain new privileges, and
/// being traced or dumped by others of the same user. To be called when every descriptor is open.
[[nodiscard]] Result<void> drop_privileges();

}  // namespace wg4
