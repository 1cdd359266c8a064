#pragma once
// Text of strangers (a file's name may be any bytes) where a line or a terminal is expected.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace wg4 {

/// How many bytes the UTF-8 character at the front takes; 0 if there is none.
[[nodiscard]] std::size_t character_size(std::string_view text);

/// One line of UTF-8 without control characters: `\\` for a backslash, `\n`, `\t`, and `\xHH` for other control
/// characters and for bytes that are no UTF-8.
[[nodiscard]] std::string escape(std::string_view text);

/// The inverse; nothing if that did not come from escape().
[[nodiscard]] std::optional<std::string> unescape(std::string_view text);

/// The same text with only what would end a line or move a terminal's cursor escaped; for people, and not to be undone.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace wg4
