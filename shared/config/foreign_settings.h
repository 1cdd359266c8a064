#pragma once
// Settings and sections that other programs have added to this format, or that look like it. None of them can be passed
// over in silence: some change what goes over the wire, the others were written because somebody wants what they do.

#include <optional>
#include <string_view>

#include "shared/base/result.h"

namespace wg4 {

/// What to say of a setting of another program's: whose it is, and whether to do without it. Nothing if it is none that
/// is known.
[[nodiscard]] std::optional<Error> foreign_setting(std::string_view name, std::string_view value);

/// The same of a header, "[Socks5]".
[[nodiscard]] std::optional<Error> foreign_section(std::string_view header);

}  // namespace wg4
