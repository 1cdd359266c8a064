#include "shared/config/conf_text.h"

#include <string.h>  // NOLINT(modernize-deprecated-headers): explicit_bzero() is in no C++ header

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "shared/base/ascii.h"

namespace wg4::conf_text {
namespace {

constexpr bool is_letter_or_digit(char c) { return is_letter(c) || is_digit(c); }

constexpr bool is_printable(char c) { return c >= ' ' && c <= '~'; }

constexpr bool is_base64(char c) { return is_letter_or_digit(c) || c == '+' || c == '/' || c == '='; }

/// A key is 44 base64 characters. Even one that was split in two has more of them on end than a word of the format.
bool may_hold_key(std::string_view text) {
  constexpr std::size_t max_word = 24;
  std::size_t run = 0;
  for (const char c : text) {
    run = is_base64(c) ? run + 1 : 0;
    if (run > max_word) return true;
  }
  return false;
}

std::string hex(std::uint32_t number, std::size_t digits) {
  constexpr std::string_view all = "0123456789ABCDEF";
  std::string text;
  for (; number != 0 || text.size() < digits; number >>= 4U) text.insert(text.begin(), all[number & 15U]);
  return text;
}

/// The first character of UTF-8 text; nothing if it is incomplete or not UTF-8.
std::optional<std::uint32_t> first_of_utf8(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  if (lead < 0xc2 || lead > 0xf4 || text.size() <= more) return std::nullopt;
  std::uint32_t character = lead & (0x3fU >> more);
  for (const char c : text.substr(1, more)) {
    const auto byte = static_cast<std::uint8_t>(c);
    if ((byte & 0xc0U) != 0x80U) return std::nullopt;
    character = (character << 6U) | (byte & 0x3fU);
  }
  return character;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, to_lower, to_lower);
}

std::string_view cut(std::optional<std::string_view>& rest, char separator) {
  const std::string_view text = rest.value_or("");
  const std::size_t end = text.find(separator);
  if (end == std::string_view::npos) {
    rest.reset();
  } else {
    rest = text.substr(end + 1);
  }
  return text.substr(0, end);
}

std::string_view next_word(std::string_view& rest) {
  const auto divides = [](char c) { return c == ',' || is_space(c); };
  const auto begin = std::ranges::find_if_not(rest, divides);
  const auto end = std::find_if(begin, rest.end(), divides);
  const std::string_view word(begin, end);
  rest = std::string_view(end, rest.end());
  return word;
}

Squeezed::Squeezed(std::string_view text) : view_(trimmed(text)) {
  if (std::ranges::none_of(view_, is_space)) return;
  copy_.reserve(view_.size());  // all at once: a string that grows leaves copies behind
  std::ranges::copy_if(view_, std::back_inserter(copy_), [](char c) { return !is_space(c); });
  view_ = copy_;
}

Squeezed::~Squeezed() { explicit_bzero(copy_.data(), copy_.size()); }

bool has_two_words(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (!is_space(text[i]) || !is_letter_or_digit(text[i - 1])) continue;
    const auto next = std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(), is_space);
    if (next != text.end() && is_letter_or_digit(*next)) return true;
  }
  return false;
}

std::optional<std::string> odd_character(std::string_view text) {
  const auto at = std::ranges::find_if(text, [](char c) { return static_cast<std::uint8_t>(c) >= 0x80; });
  if (at == text.end()) return std::nullopt;
  const auto character = first_of_utf8({at, text.end()});
  return character ? "the character U+" + hex(*character, 4) : "the byte 0x" + hex(static_cast<std::uint8_t>(*at), 2);
}

std::string shown(std::string_view text, std::string_view otherwise) {
  constexpr std::size_t max_shown = 80;
  const bool harmless = text.size() <= max_shown && std::ranges::all_of(text, is_printable) && !may_hold_key(text);
  return harmless ? "'" + std::string(text) + "'" : std::string(otherwise);
}

}  // namespace wg4::conf_text
