#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <utility>

#include "shared/net/endpoint.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/fd_budget.h"
#include "wg4netns/forward/rule.h"
#include "wg4netns/forward/rule_table.h"
#include "wg4netns/forward/slots.h"

namespace wg4::forward {
namespace {

TEST_CASE("numbers of rules start at 1 and are not used again") {
  RuleTable table;
  const Rule rule{Protocol::tcp, *Endpoint::parse("0.0.0.0:1"), *Endpoint::parse("10.0.2.100:2")};
  CHECK(table.next_id() == 1);
  CHECK(table.add(rule) == 1);
  CHECK(table.add(rule) == 2);
  CHECK(table.remove(2) == rule);
  CHECK_FALSE(table.remove(2).has_value());
  CHECK_FALSE(table.remove(0).has_value());
  CHECK(table.next_id() == 3);
  CHECK(table.add(rule) == 3);
  CHECK(table.all().size() == 2);
}

TEST_CASE("a slot's number comes back only after the turn") {
  Slots<std::unique_ptr<int>> slots;
  const auto first = slots.put(std::make_unique<int>(1));
  const auto second = slots.put(std::make_unique<int>(2));
  slots.drop(first);
  slots.drop(first);
  CHECK(slots.find(first) == nullptr);
  CHECK(slots.size() == 1);
  const auto third = slots.put(std::make_unique<int>(3));
  CHECK(third != first);
  slots.recycle();
  CHECK(slots.put(std::make_unique<int>(4)) == first);
  CHECK(&slots[second] == slots.find(second));
  CHECK(**slots.find(second) == 2);
  CHECK(**slots.find(third) == 3);
  CHECK(slots.find(1000) == nullptr);
}

TEST_CASE("the budget gives out descriptors up to its limit, and takes them back") {
  FdBudget budget(5);
  auto two = budget.take(2);
  auto three = budget.take(3);
  REQUIRE(two.has_value());
  REQUIRE(three.has_value());
  CHECK_FALSE(budget.take(1).has_value());
  const FdBudget::Lease moved = std::move(*two);
  two.reset();
  CHECK_FALSE(budget.take(1).has_value());
  three.reset();
  CHECK(budget.take(3).has_value());
  CHECK_FALSE(budget.take(4).has_value());
}

}  // namespace
}  // namespace wg4::forward
