#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <set>

#include "tests/support/seeded_entropy.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/replay_window.h"

namespace wg4 {
namespace {

TEST_CASE("A shuffled, duplicated, jumping stream is accepted as a set of the last counters would accept it") {
  test::SeededEntropy chance(7);
  ReplayWindow window;
  std::set<std::uint64_t> seen;
  std::uint64_t highest = 0;
  bool any = false;
  for (int i = 0; i < 300'000; ++i) {
    const std::uint32_t kind = chance.below(1000);
    const std::uint64_t jump = kind == 0 ? chance.below(30'000) : kind < 500 ? chance.below(40) : 0;
    const std::uint64_t back = kind < 990 ? chance.below(200) : chance.below(ReplayWindow::size + 200);
    const std::uint64_t counter = jump > 0 ? highest + jump : highest - std::min<std::uint64_t>(back, highest);
    const bool too_old = any && counter + ReplayWindow::size < highest;
    const bool expected = !too_old && !seen.contains(counter);
    REQUIRE(window.accept(counter) == expected);
    if (!expected) continue;
    any = true;
    seen.insert(counter);
    highest = std::max(highest, counter);
    while (*seen.begin() + ReplayWindow::size < highest) seen.erase(seen.begin());
  }
}

TEST_CASE("A counter that is refused does not change the window") {
  ReplayWindow window;
  CHECK(window.accept(10));
  CHECK_FALSE(window.accept(UINT64_MAX));
  CHECK_FALSE(window.accept(reject_after_messages));
  CHECK(window.accept(9));
  CHECK(window.accept(11));
}

}  // namespace
}  // namespace wg4
