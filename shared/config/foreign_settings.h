#pragma once
// Settings and sections of other programs that have extended this format, or use a similar one. None of them is ignored
// silently: some change the packets, and the user has set the others for a reason.

#include <optional>
#include <string_view>

#include "shared/base/result.h"

namespace wg4 {

/// The error for another program's setting: which program's it is, and whether it can be left out. Nothing for an
/// unknown setting.
[[nodiscard]] std::optional<Error> foreign_setting(std::string_view name, std::string_view value);

/// The same for a header, "[Socks5]".
[[nodiscard]] std::optional<Error> foreign_section(std::string_view header);

}  // namespace wg4
