#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>

#include "tests/support/seeded_entropy.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"
#include "wg4netns/core/timer_queue.h"

namespace wg4 {
namespace {

Instant at(std::int64_t seconds) { return Instant(std::chrono::seconds(seconds)); }

TEST_CASE("The earliest comes first, and only when it is due") {
  TimerQueue queue;
  CHECK_FALSE(queue.next());
  CHECK_FALSE(queue.pop_due(at(100)));
  queue.set(3, at(30));
  queue.set(1, at(10));
  queue.set(2, at(20));
  CHECK(queue.next() == at(10));
  CHECK_FALSE(queue.pop_due(at(9)));
  CHECK(queue.pop_due(at(10)) == 1U);
  CHECK_FALSE(queue.pop_due(at(19)));
  CHECK(queue.pop_due(at(1000)) == 2U);
  CHECK(queue.pop_due(at(1000)) == 3U);
  CHECK_FALSE(queue.pop_due(at(1000)));
  CHECK(queue.size() == 0);
}

TEST_CASE("Setting again moves the deadline, both ways; cancelling takes it away") {
  TimerQueue queue;
  for (PeerId peer = 0; peer < 10; ++peer) queue.set(peer, at(peer));
  queue.set(0, at(50));
  queue.set(9, at(-1));
  queue.cancel(1);
  queue.cancel(1);
  queue.cancel(12345);
  CHECK(queue.size() == 9);
  CHECK(queue.pop_due(at(100)) == 9U);
  CHECK(queue.pop_due(at(100)) == 2U);
  for (int i = 0; i < 6; ++i) CHECK(queue.pop_due(at(49)));
  CHECK_FALSE(queue.pop_due(at(49)));
  CHECK(queue.next() == at(50));
}

TEST_CASE("Random traffic agrees with a map") {
  test::SeededEntropy chance(11);
  TimerQueue queue;
  std::map<PeerId, Instant> model;
  for (int i = 0; i < 200'000; ++i) {
    const PeerId peer = chance.below(500);
    const std::uint32_t kind = chance.below(10);
    if (kind < 5) {
      const Instant deadline = at(chance.below(1000));
      queue.set(peer, deadline);
      model[peer] = deadline;
    } else if (kind < 7) {
      queue.cancel(peer);
      model.erase(peer);
    } else {
      const Instant now = at(chance.below(200));
      const auto popped = queue.pop_due(now);
      Instant earliest = Instant::max();
      for (const auto& [id, deadline] : model) earliest = std::min(earliest, deadline);
      REQUIRE(popped.has_value() == (earliest <= now));
      if (popped) {
        REQUIRE(model.at(*popped) == earliest);
        model.erase(*popped);
      }
    }
    REQUIRE(queue.size() == model.size());
  }
}

}  // namespace
}  // namespace wg4
