#pragma once
// What is in a folder.

#include <optional>
#include <set>
#include <string>

#include "shared/base/result.h"

namespace wg4::container {

/// The entries of an open folder, without "." and "..". `path` is its name for errors.
[[nodiscard]] Result<std::set<std::string>> names_in(int folder, const std::string& path);

/// The text of a link in a folder; nothing for what is no link. `path` is the link's name for errors.
[[nodiscard]] Result<std::optional<std::string>> link_text(int folder, const std::string& name,
                                                           const std::string& path);

}  // namespace wg4::container
