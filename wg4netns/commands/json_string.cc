#include "wg4netns/commands/json_string.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "shared/base/escaped_text.h"

namespace wg4 {

std::string json_string(std::string_view text) {
  std::string out = "\"";
  std::string characters;
  const auto take_characters = [&] {
    const std::string literal = nlohmann::json(std::exchange(characters, "")).dump();
    out.append(literal, 1, literal.size() - 2);
  };
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    characters += text.substr(0, size);
    if (size == 0) {
      take_characters();
      out += fmt::format("\\udc{:02x}", static_cast<unsigned char>(text.front()));
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  take_characters();
  return out + "\"";
}

}  // namespace wg4
