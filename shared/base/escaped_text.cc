#include "shared/base/escaped_text.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>

namespace wg4 {
namespace {

std::uint8_t byte_at(std::string_view text, std::size_t place) { return static_cast<std::uint8_t>(text[place]); }

/// No overlong forms, no surrogates, nothing beyond U+10FFFF.
bool second_byte_fits(std::uint8_t first, std::uint8_t second) {
  switch (first) {
    case 0xe0:
      return second >= 0xa0;
    case 0xed:
      return second < 0xa0;
    case 0xf0:
      return second >= 0x90;
    case 0xf4:
      return second < 0x90;
    default:
      return true;
  }
}

/// C0, DEL, and C1 in its two bytes.
bool is_control(std::string_view character) {
  const std::uint8_t first = byte_at(character, 0);
  return first < 0x20 || first == 0x7f || (first == 0xc2 && byte_at(character, 1) < 0xa0);
}

void append_hex(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint8_t byte = byte_at(bytes, i);
    out.append("\\x").append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
  }
}

std::string escape(std::string_view text, bool backslashes) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    const std::string_view character = text.substr(0, size == 0 ? 1 : size);
    if (character == "\n") {
      out += "\\n";
    } else if (character == "\t") {
      out += "\\t";
    } else if (size == 0 || is_control(character)) {
      append_hex(out, character);
    } else {
      out.append(backslashes && character == "\\" ? "\\" : "").append(character);
    }
    text.remove_prefix(character.size());
  }
  return out;
}

}  // namespace

std::size_t character_size(std::string_view text) {
  if (text.empty()) return 0;
  const std::uint8_t first = byte_at(text, 0);
  if (first < 0x80) return 1;
  const std::size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size || !second_byte_fits(first, byte_at(text, 1))) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte_at(text, i) & 0xc0) != 0x80) return 0;
  return size;
}

std::string escape(std::string_view text) { return escape(text, true); }

std::string printable(std::string_view text) { return escape(text, false); }

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t backslash = text.find('\\');
    out += text.substr(0, backslash);
    if (backslash == std::string_view::npos) return out;
    text.remove_prefix(backslash + 1);
    if (text.empty()) return std::nullopt;
    std::size_t used = 1;
    switch (text.front()) {
      case '\\':
        out += '\\';
        break;
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case 'x': {
        std::uint8_t byte = 0;
        const std::string_view digits = text.substr(1, 2);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
        if (digits.size() != 2 || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
        out += static_cast<char>(byte);
        used = 3;
        break;
      }
      default:
        return std::nullopt;
    }
    text.remove_prefix(used);
  }
  return out;
}

}  // namespace wg4
