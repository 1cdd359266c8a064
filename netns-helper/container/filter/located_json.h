#pragma once
// JSON whose values know where in the text they are, for errors that name line and column. The JSON library stays in
// located_json.cc. Pure.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "shared/base/result.h"

namespace wg4::container::filter {

struct LocatedJson;
struct JsonMember;
using JsonArray = std::vector<LocatedJson>;
using JsonObject = std::vector<JsonMember>;  ///< in the text's order

struct JsonNull {};
struct JsonOtherNumber {};  ///< one below zero, with a fraction, or with an exponent

struct LocatedJson {
  std::variant<JsonNull, bool, std::uint64_t, JsonOtherNumber, std::string, JsonArray, JsonObject> value;
  std::size_t offset = 0;  ///< of its first byte

  template <class T>
  [[nodiscard]] const T* get() const {
    return std::get_if<T>(&value);
  }
};

struct JsonMember {
  std::string key;
  std::size_t offset = 0;  ///< of the key
  LocatedJson value;
};

/// A text with a name, for errors: "x.json:3:12: what".
class NamedText {
 public:
  NamedText(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}
  [[nodiscard]] std::unexpected<Error> fail_at(std::size_t offset, const std::string& what,
                                               const std::string& hint = {}) const;
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::string_view text_;
  std::string name_;
};

inline constexpr std::size_t max_json_depth = 16;
inline constexpr std::size_t max_json_keys = 64;  ///< of one object

/// An error for anything but one JSON value, for a key that comes twice in an object, and beyond the limits.
[[nodiscard]] Result<LocatedJson> parse_located_json(const NamedText& text);

}  // namespace wg4::container::filter
