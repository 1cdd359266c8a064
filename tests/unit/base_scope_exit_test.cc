#include "shared/base/scope_exit.h"

#include <doctest/doctest.h>

#include <vector>

using wg4::ScopeExit;

TEST_CASE("clean-ups run at the end of the scope, the last one first") {
  std::vector<int> order;
  {
    const ScopeExit first([&] { order.push_back(1); });
    const ScopeExit second([&] { order.push_back(2); });
    CHECK(order.empty());
  }
  CHECK_EQ(order, std::vector{2, 1});
}

TEST_CASE("a clean-up runs on an early return, too") {
  bool cleaned = false;
  const auto leave_early = [&](bool early) {
    const ScopeExit clean([&] { cleaned = true; });
    if (early) return 1;
    return 2;
  };
  CHECK_EQ(leave_early(true), 1);
  CHECK(cleaned);
}
