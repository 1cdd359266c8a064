#pragma once

#include <string>

#include "shared/base/result.h"

namespace wg4::container {

/// Shows copies of a folder's files in their place, which belong to this user: programs such as ssh(1) refuse
/// configuration files of strangers, and without root in the user namespace the host's belong to nobody. What this user
/// cannot read is left out, as are folders in it. A missing or empty folder stays as it is. To be called in a mount
/// namespace of this process's own.
[[nodiscard]] Result<void> mount_own_copy(const std::string& folder);

}  // namespace wg4::container
