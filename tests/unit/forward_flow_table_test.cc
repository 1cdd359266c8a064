#include "shared/net/ip_address.h"
#include "wg4netns/forward/flow_table.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace wg4::forward {
namespace {

using std::chrono::seconds;

FlowKey key(std::uint16_t port) { return {1, {*IpAddress::parse("192.0.2.1"), port}, *IpAddress::parse("127.0.0.1")}; }

TEST_CASE("flows are found by all fields of their key") {
  FlowTable<int> table;
  const auto number = table.add(key(1), 42, seconds(1));
  CHECK(table.find(key(1)) == number);
  CHECK(table[number].value == 42);
  FlowKey other = key(1);
  other.rule = 2;
  CHECK_FALSE(table.find(other).has_value());
  other = key(1);
  other.local = *IpAddress::parse("127.0.0.2");
  CHECK_FALSE(table.find(other).has_value());
  CHECK_FALSE(table.find(key(2)).has_value());
  table.remove(number);
  table.remove(number);
  CHECK_FALSE(table.find(key(1)).has_value());
  CHECK(table.at(number) == nullptr);
  CHECK(table.size() == 0);
}

TEST_CASE("the flow that was idle longest is first, in any order of creation") {
  FlowTable<int> table;
  const auto first = table.add(key(1), 0, seconds(1));
  const auto second = table.add(key(2), 0, seconds(2));
  const auto third = table.add(key(3), 0, seconds(3));
  CHECK(table.oldest() == first);
  table.touch(table[first], seconds(4));
  CHECK(table.oldest() == second);
  CHECK(table[first].last_used == seconds(4));
  table.remove(second);
  CHECK(std::vector(table.order().begin(), table.order().end()) == std::vector{third, first});
}

TEST_CASE("many flows, added and removed") {
  FlowTable<int> table;
  for (int round = 0; round < 3; ++round) {
    for (std::uint16_t port = 1; port <= 5000; ++port) table.add(key(port), port, seconds(round));
    for (std::uint16_t port = 1; port <= 5000; ++port) CHECK(table[*table.find(key(port))].value == port);
    while (const auto oldest = table.oldest()) table.remove(*oldest);
    table.recycle();
  }
  CHECK(table.add(key(1), 0, seconds(9)) < 5000);
}

}  // namespace
}  // namespace wg4::forward
