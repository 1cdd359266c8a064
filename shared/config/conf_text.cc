#include "shared/config/conf_text.h"

#include <string.h>  // NOLINT(modernize-deprecated-headers): explicit_bzero() is in no C++ header

#include <algorithm>
#include <iterator>

namespace wg4::conf_text {
namespace {

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr bool is_printable(char c) { return c >= ' ' && c <= '~'; }

constexpr bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

/// A key is 44 such characters on end. One that was broken in two still has more of them than a word of ours.
bool may_hold_key(std::string_view text) {
  constexpr std::size_t longest_word = 24;
  std::size_t run = 0;
  for (const char c : text) {
    run = is_base64(c) ? run + 1 : 0;
    if (run > longest_word) return true;
  }
  return false;
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
  copy_.reserve(view_.size());  // in one piece: a string that grows leaves copies behind
  std::ranges::copy_if(view_, std::back_inserter(copy_), [](char c) { return !is_space(c); });
  view_ = copy_;
}

Squeezed::~Squeezed() { explicit_bzero(copy_.data(), copy_.size()); }

std::string shown(std::string_view text, std::string_view otherwise) {
  constexpr std::size_t longest = 80;
  const bool harmless = text.size() <= longest && std::ranges::all_of(text, is_printable) && !may_hold_key(text);
  return harmless ? "'" + std::string(text) + "'" : std::string(otherwise);
}

}  // namespace wg4::conf_text
