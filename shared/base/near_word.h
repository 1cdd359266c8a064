#pragma once
// What somebody may have meant who mistyped one of a few words.

#include <span>
#include <string_view>

namespace wg4 {

/// The one of `words` that `typed` is a slip away from: letters that are wrong, missing, too many or swapped, one in
/// four at most, whatever their case. Empty if there is none. A word itself is near, too.
[[nodiscard]] std::string_view nearest_word(std::string_view typed, std::span<const std::string_view> words);

}  // namespace wg4
