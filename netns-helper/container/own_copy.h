#pragma once

#include <string>

#include "shared/base/result.h"

namespace wg4::container {

/// Covers a folder with copies of its files that belong to this user, or to root where the user namespace has one:
/// programs such as ssh(1) refuse configuration files of other users, and root of the host has no id inside. Files that
/// this user cannot read are left out, and so are folders. A missing or empty folder stays as it is. To be called in a
/// mount namespace of this process's own.
[[nodiscard]] Result<void> mount_own_copy(const std::string& folder);

}  // namespace wg4::container
