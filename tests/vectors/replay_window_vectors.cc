// The edge cases of RFC 6479: both ends of the window, one beyond each, jumps by many windows, and the last counters.
// The set is that of the kernel's own self-test.

#include <doctest/doctest.h>

#include <cstdint>
#include <initializer_list>

#include "wg4netns/core/limits.h"
#include "wg4netns/core/replay_window.h"

namespace wg4 {
namespace {

constexpr std::uint64_t size = ReplayWindow::size;
constexpr std::uint64_t beyond = size + 1;

struct Step {
  std::uint64_t counter;
  bool accepted;
};

void walk(ReplayWindow& window, std::initializer_list<Step> steps) {
  for (const auto& [counter, accepted] : steps) {
    CAPTURE(counter);
    CHECK(window.accept(counter) == accepted);
  }
}

/// All counters from `first` to `last`, upwards or downwards, are new.
void fill(ReplayWindow& window, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t counter = first; counter != last; counter = first < last ? counter + 1 : counter - 1) {
    REQUIRE(window.accept(counter));
  }
  REQUIRE(window.accept(last));
}

TEST_CASE("Near zero: late packets pass once") {
  ReplayWindow window;
  walk(window, {{0, true}, {1, true}, {1, false}, {9, true}, {8, true}, {7, true}, {7, false}, {0, false}});
}

TEST_CASE("The far end of the window") {
  ReplayWindow window;
  walk(window, {{0, true}, {beyond, true}, {beyond - 1, true}, {beyond - 1, false}, {beyond - 2, true}});
  walk(window, {{2, true}, {2, false}, {beyond + 16, true}, {3, false}, {16, false}, {17, true}});
}

TEST_CASE("A jump over several windows forgets all before") {
  ReplayWindow window;
  walk(window, {{5, true}, {4 * beyond, true}, {4 * beyond - size, true}, {4 * beyond - size, false}});
  walk(window, {{4 * beyond - size - 1, false}, {4 * beyond - size - 2, false}, {4 * beyond - size + 1, true}});
  walk(window, {{5, false}, {0, false}, {10, false}, {4 * beyond, false}});
}

TEST_CASE("Reject-After-Messages ends all") {
  ReplayWindow window;
  constexpr std::uint64_t end = reject_after_messages;
  walk(window, {{0, true}, {end, false}, {end - 1, true}, {end, false}, {end - 1, false}, {end - 2, true}});
  walk(window, {{end + 1, false}, {end + 2, false}, {UINT64_MAX, false}, {end - 2, false}, {end - 3, true}});
  walk(window, {{0, false}, {end - 1 - size, true}, {end - 2 - size, false}});
}

TEST_CASE("A whole window upwards leaves its far end open") {
  ReplayWindow window;
  fill(window, 1, size);
  walk(window, {{0, true}, {0, false}});
}

TEST_CASE("One more upwards closes it") {
  ReplayWindow window;
  fill(window, 2, size + 1);
  walk(window, {{1, true}, {0, false}});
}

TEST_CASE("A whole window downwards") {
  ReplayWindow window;
  fill(window, size, 0);
  walk(window, {{0, false}, {size, false}, {size + 1, true}, {0, false}});
}

TEST_CASE("A whole window downwards that does not reach zero") {
  ReplayWindow window;
  fill(window, size + 1, 1);
  walk(window, {{0, false}});
}

TEST_CASE("Moving on by one closes the far end whether it was used or not") {
  ReplayWindow unused;
  fill(unused, size, 1);
  walk(unused, {{size + 1, true}, {0, false}});
  ReplayWindow used;
  fill(used, size, 1);
  walk(used, {{0, true}, {size + 1, true}, {0, false}});
}

}  // namespace
}  // namespace wg4
