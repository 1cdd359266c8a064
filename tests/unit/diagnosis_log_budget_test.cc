#include "wg4netns/core/time.h"
#include "wg4netns/diagnosis/log_budget.h"

#include <doctest/doctest.h>

using namespace wg4;
using namespace std::chrono_literals;

TEST_CASE("a burst of lines, and then one for each interval; what was left out is counted") {
  LogBudget budget(3, 10s);
  const Instant start{5s};  // the machine has just begun
  for (int i = 0; i < 3; ++i) CHECK(budget.take(start));
  CHECK(budget.take_left_out().empty());
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(budget.take(start + 9s));
  CHECK(budget.take(start + 10s));
  CHECK(budget.take_left_out() == " (and 1000 such lines before, which were left out)");
  CHECK(budget.take_left_out().empty());
  CHECK_FALSE(budget.take(start + 10s));
}

TEST_CASE("after a while without any the whole burst is back, and no more than that") {
  LogBudget budget(3, 10s);
  Instant instant{1000s};
  for (int round = 0; round < 3; ++round, instant += 3600s) {
    int lines = 0;
    while (budget.take(instant)) ++lines;
    CHECK(lines == 3);
  }
}
