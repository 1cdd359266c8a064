#include "netns-helper/container/id_plan.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "shared/sys/sub_ids.h"

namespace wg4::container {
namespace {

constexpr IdPlan own_ids{};
constexpr IdPlan root{.root = true};
constexpr IdPlan sub_ids{.sub_ids = true};
constexpr IdPlan root_and_sub_ids{.root = true, .sub_ids = true};

const std::vector<IdRange> usual{{100000, 65536}};

std::uint64_t ids_in(const IdMap& map) {
  std::uint64_t count = 0;
  for (const IdMapLine& line : map) count += line.count;
  return count;
}

TEST_CASE("any id inside, each for users and groups") {
  constexpr IdPlan others{.root = true, .uid = 7, .gid = 8};
  CHECK(plan_map(others, 1001, usual) == IdMap{{7, 1001, 1}});
  CHECK(plan_map(others.for_groups(), 1001, usual) == IdMap{{8, 1001, 1}});
  CHECK(own_inside(IdPlan{.root = true, .uid = 7}.for_groups(), 1001) == 0);
  CHECK(plan_map({.sub_ids = true, .uid = 2}, 1001, usual) == IdMap{{0, 100000, 2}, {2, 1001, 1}, {3, 100002, 65534}});
}

TEST_CASE("without subordinate ids the user is the only one") {
  CHECK(plan_map(own_ids, 1001, usual) == IdMap{{1001, 1001, 1}});
  CHECK(plan_map(root, 1001, usual) == IdMap{{0, 1001, 1}});
  CHECK(own_inside(own_ids, 1001) == 1001);
  CHECK(own_inside(root, 1001) == 0);
}

TEST_CASE("root inside has the subordinate ids from 1 on") {
  CHECK(plan_map(root_and_sub_ids, 1001, usual) == IdMap{{0, 1001, 1}, {1, 100000, 65536}});
}

TEST_CASE("a user who stays the same has the subordinate ids around that id") {
  CHECK(plan_map(sub_ids, 1001, usual) == IdMap{{0, 100000, 1001}, {1001, 1001, 1}, {1002, 101001, 64535}});
  CHECK(plan_map(sub_ids, 0, usual) == IdMap{{0, 0, 1}, {1, 100000, 65536}});
}

TEST_CASE("a range that ends below the user's id leaves a gap") {
  CHECK(plan_map(sub_ids, 1001, std::vector<IdRange>{{100000, 1000}}) == IdMap{{0, 100000, 1000}, {1001, 1001, 1}});
  CHECK(plan_map(sub_ids, 1001, std::vector<IdRange>{{100000, 1001}}) == IdMap{{0, 100000, 1001}, {1001, 1001, 1}});
  CHECK(plan_map(sub_ids, 1001, std::vector<IdRange>{{100000, 1002}}) ==
        IdMap{{0, 100000, 1001}, {1001, 1001, 1}, {1002, 101001, 1}});
}

TEST_CASE("several ranges follow each other inside, in their order") {
  const std::vector<IdRange> ranges{{200000, 10}, {100000, 20}};
  CHECK(plan_map(root_and_sub_ids, 1001, ranges) == IdMap{{0, 1001, 1}, {1, 200000, 10}, {11, 100000, 20}});
  CHECK(plan_map(sub_ids, 15, ranges) == IdMap{{0, 200000, 10}, {10, 100000, 5}, {15, 15, 1}, {16, 100005, 15}});
}

TEST_CASE("an id that is there twice is used once: the kernel refuses maps that are ambiguous") {
  SUBCASE("the user's id is in a range") {
    CHECK(plan_map(root_and_sub_ids, 100003, std::vector<IdRange>{{100000, 10}}) ==
          IdMap{{0, 100003, 1}, {1, 100000, 3}, {4, 100004, 6}});
  }
  SUBCASE("ranges overlap") {
    CHECK(plan_map(root_and_sub_ids, 7, std::vector<IdRange>{{100, 10}, {105, 10}}) ==
          IdMap{{0, 7, 1}, {1, 100, 10}, {11, 110, 5}});
    CHECK(plan_map(root_and_sub_ids, 7, std::vector<IdRange>{{105, 2}, {100, 10}}) ==
          IdMap{{0, 7, 1}, {1, 105, 2}, {3, 100, 5}, {8, 107, 3}});
  }
  SUBCASE("a line is there twice") {
    CHECK(plan_map(root_and_sub_ids, 7, std::vector<IdRange>{{100, 10}, {100, 10}}) == IdMap{{0, 7, 1}, {1, 100, 10}});
  }
}

TEST_CASE("numbers that are no ids are left out") {
  CHECK(plan_map(root_and_sub_ids, 7, std::vector<IdRange>{{0xffff'fff0, 100}}) ==
        IdMap{{0, 7, 1}, {1, 0xffff'fff0, 15}});
  const IdMap all = plan_map(sub_ids, 7, std::vector<IdRange>{{0, 0xffff'ffff}});
  CHECK(all == IdMap{{0, 0, 7}, {7, 7, 1}, {8, 8, 0xffff'fff7}});
  CHECK(plan_map(sub_ids, 7, std::vector<IdRange>{{0xffff'ffff, 1}}) == IdMap{{7, 7, 1}});
}

TEST_CASE("of more ranges than the kernel takes, the first are used") {
  std::vector<IdRange> many;
  for (std::uint32_t i = 0; i < 1000; ++i) many.push_back({2'000'000'000 + 2 * i, 1});
  const IdMap map = plan_map(sub_ids, 50, many);
  CHECK(ids_in(map) == 101);
  CHECK(map[50] == IdMapLine{50, 50, 1});
}

}  // namespace
}  // namespace wg4::container
