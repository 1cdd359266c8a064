#include "shared/base/near_word.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "shared/base/ascii.h"

namespace wg4 {
namespace {

constexpr std::size_t letters_per_slip = 4;
constexpr std::size_t max_letters = 32;  // letters; a longer text is no mistyped word of ours

/// The number of edits that turn one word into the other; swapping two neighbours is one edit (Damerau and Levenshtein,
/// by rows).
std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> before_last(right.size() + 1);
  std::vector<std::size_t> last(right.size() + 1);
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t j = 0; j <= right.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    before_last = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const auto same = [&](std::size_t a, std::size_t b) { return to_lower(left[a]) == to_lower(right[b]); };
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same(i - 1, j - 1) ? 0U : 1U)});
      if (i > 1 && j > 1 && same(i - 1, j - 2) && same(i - 2, j - 1)) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[right.size()];
}

}  // namespace

std::string_view nearest_word(std::string_view typed, std::span<const std::string_view> words) {
  if (typed.size() > max_letters) return "";
  std::string_view nearest;
  std::size_t least = max_letters;
  for (const std::string_view word : words) {
    const std::size_t edits = distance(typed, word);
    if (edits > std::max(typed.size(), word.size()) / letters_per_slip || edits >= least) continue;
    nearest = word;
    least = edits;
  }
  return nearest;
}

}  // namespace wg4
