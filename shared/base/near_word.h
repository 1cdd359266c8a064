#pragma once
// Suggests the word that a user may have meant instead of a mistyped one.

#include <span>
#include <string_view>

namespace wg4 {

/// The word that differs from `typed` in at most one of four letters: wrong, missing, superfluous or swapped. Case does
/// not matter. Empty if there is none. An equal word is near, too.
[[nodiscard]] std::string_view nearest_word(std::string_view typed, std::span<const std::string_view> words);

}  // namespace wg4
