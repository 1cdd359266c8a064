#pragma once
// The raw text of a configuration file: lines, words, white space, and which parts of it a message may show. Everything
// is a view into the caller's text, so that there is no second copy of a key.

#include <optional>
#include <string>
#include <string_view>

namespace wg4::conf_text {

/// isspace() of the C locale, and NUL: bash drops NUL from its input, so wg-quick never sees one.
[[nodiscard]] constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; }

/// The text without white space at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// Compares without regard to the case of ASCII letters.
[[nodiscard]] bool equal_ignoring_case(std::string_view left, std::string_view right);

/// The piece before `separator`; `rest` becomes what follows it, or nullopt after the last piece.
/// "a,,b" has three pieces, "" has one: `for (std::optional rest = list; rest;) use(cut(rest, ','));`
[[nodiscard]] std::string_view cut(std::optional<std::string_view>& rest, char separator);

/// The next word of a list that is divided by commas and white space; empty at the end.
[[nodiscard]] std::string_view next_word(std::string_view& rest);

/// Text with all of its white space deleted. It may be a key, so the copy (made only if there is white space) is wiped.
class Squeezed {
 public:
  explicit Squeezed(std::string_view text);
  Squeezed(const Squeezed&) = delete;
  Squeezed& operator=(const Squeezed&) = delete;
  ~Squeezed();

  [[nodiscard]] std::string_view view() const { return view_; }

 private:
  std::string copy_;
  std::string_view view_;
};

/// Is there white space between two letters or digits? White space around punctuation does not count.
[[nodiscard]] bool has_two_words(std::string_view text);

/// The first character that is not ASCII, as "the character U+00A0": it may look like a space or a quotation mark, and
/// not be one. "the byte 0xA0" if it is not UTF-8 either; nothing if all characters are ASCII.
[[nodiscard]] std::optional<std::string> odd_character(std::string_view text);

/// "'text'" for a message; `otherwise` if the text could be part of a key, is long, or has control characters.
[[nodiscard]] std::string shown(std::string_view text, std::string_view otherwise);

}  // namespace wg4::conf_text
