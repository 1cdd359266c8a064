#pragma once
// What a profile may be called. It is a name, not a path: a source that may choose a profile, such as an annotation,
// must not name any other file by it.

#include <string>

#include "shared/base/result.h"

namespace wg4 {

/// The rule for profiles that are there: the name stays in the folder, and NAME.conf is its file.
[[nodiscard]] Result<void> check_profile_name(const std::string& name);

/// The rule for new ones, narrower, since tunnels are named after them: 1 to 64 letters, digits and characters of
/// "_=+.-", not '.' or '-' in front, nor ".conf" at the end.
[[nodiscard]] Result<void> check_new_profile_name(const std::string& name);

/// The file's name without its folder and its ending: "work" for "/etc/wireguard/work.conf" and ".conf".
[[nodiscard]] std::string profile_name_of(const std::string& path, const std::string& ending);

}  // namespace wg4
