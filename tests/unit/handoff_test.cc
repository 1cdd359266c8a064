#include "shared/handoff/handoff.h"
#include "shared/base/bytes.h"
#include "shared/link/link_plan.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/wire/wire.h"
#include "tests/support/wire_messages.h"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

// How messages look, and what is refused, is in shared_wire_test.cc.

namespace wg4::handoff {
namespace {

/// `count` different /32 and /128 routes, in turn.
LinkPlan large_plan(std::uint32_t count) {
  LinkPlan plan = test::link_plan();
  for (std::uint32_t i = 0; i < count; ++i) {
    std::array<std::uint8_t, 16> bytes{0xfd};
    store_be(bytes.data() + 12, i);
    const IpAddress v4 = IpAddress::v4(std::span(bytes).last<4>());
    plan.routes.push_back(i % 2 == 0 ? Prefix{v4, 32} : Prefix{IpAddress::v6(bytes), 128});
  }
  return plan;
}

std::vector<PlanPart> parts_of(const LinkPlan& plan) {
  auto parts = split(plan);
  REQUIRE(parts.has_value());
  return *std::move(parts);
}

TEST_CASE("a plan of any size is decoded whole") {
  for (const std::uint32_t count : {0U, 1U, 3000U, 100'000U}) {
    CAPTURE(count);
    const LinkPlan plan = large_plan(count);
    PlanReader reader;
    bool ended = false;
    for (const PlanPart& part : parts_of(plan)) {
      CHECK_FALSE(ended);
      const auto bytes = wire::encode(part);
      REQUIRE(bytes.has_value());
      const auto received = wire::decode<PlanPart>(*bytes);
      REQUIRE(received.has_value());
      const auto whole = reader.add(*received);
      REQUIRE(whole.has_value());
      ended = whole->has_value();
      CHECK(ended == part.last);
      if (ended) CHECK(**whole == plan);
    }
    CHECK(ended);
  }
}

TEST_CASE("an empty plan is one part") {
  const auto parts = parts_of(LinkPlan{});
  REQUIRE(parts.size() == 1);
  CHECK(parts.front().last);
}

TEST_CASE("parts are filled: 100,000 routes take no more messages than they must") {
  std::size_t bytes = 0;
  const auto parts = parts_of(large_plan(100'000));
  for (const PlanPart& part : parts) bytes += wire::encode(part).value().size();
  CHECK(parts.size() == (bytes + wire::max_message_size - 1) / wire::max_message_size);
}

TEST_CASE("what is no plan once all of it is there is refused") {
  PlanReader cut;
  std::vector<PlanPart> parts = parts_of(large_plan(3000));
  REQUIRE(parts.size() > 1);
  CHECK_FALSE(cut.add({.bytes = parts.front().bytes, .last = true}));
  PlanReader twice;
  CHECK(twice.add(parts.front()).has_value());
  CHECK(twice.add(parts.front()).has_value());
  CHECK_FALSE(twice.add(parts.back()));
}

}  // namespace
}  // namespace wg4::handoff
