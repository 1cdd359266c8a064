#pragma once
// Which running tunnels use a profile.

#include <string>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/profile/profile_folder.h"
#include "wg4netns/supervise/registry.h"

namespace wg4 {

/// Those of `running` that were started with this file, or with a link to it.
[[nodiscard]] std::vector<registry::Running> tunnels_with(const ProfileFile& profile,
                                                          const std::vector<registry::Running>& running);

/// "wg0 (process 4711), wg1 (process 4712)"
[[nodiscard]] std::string to_string(const std::vector<registry::Running>& tunnels);

/// All that run. Warns where tunnels may run that cannot be seen.
[[nodiscard]] std::vector<registry::Running> find_running_or_warn();

/// An error if a tunnel uses the profile; a warning instead with `force`. `what`: "delete".
[[nodiscard]] Result<void> expect_unused(const std::string& name, const ProfileFile& profile, const std::string& what,
                                         bool force);

/// Says how the change is applied to the tunnels that use the profile.
void tell_users_of_change(const ProfileFile& profile);

}  // namespace wg4
