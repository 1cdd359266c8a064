#pragma once
// Untrusted text (a file's name may be any bytes), made safe for a line of a protocol or for a terminal.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace wg4 {

/// The size of the UTF-8 character at the front, in bytes; 0 if there is none.
[[nodiscard]] std::size_t character_size(std::string_view text);

/// One line of UTF-8 without control characters: `\\` for a backslash, `\n`, `\t`, and `\xHH` for other control
/// characters and for bytes that are no UTF-8.
[[nodiscard]] std::string escape(std::string_view text);

/// The inverse; nothing for text that escape() cannot have made.
[[nodiscard]] std::optional<std::string> unescape(std::string_view text);

/// For people: escapes only characters that would end a line or move a terminal's cursor. Cannot be undone.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace wg4
