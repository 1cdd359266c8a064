#include <doctest/doctest.h>

#include <array>
#include <cstdint>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "tests/support/seeded_entropy.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/rate_limiter.h"
#include "wg4netns/core/time.h"

namespace wg4 {
namespace {

constexpr Duration earn_one = Duration(1s) / ratelimiter_packets_per_second;
const Instant start = Instant(100s);

IpAddress v4(std::uint32_t number) {
  std::array<std::uint8_t, 4> bytes;
  store_be(bytes.data(), number);
  return IpAddress::v4(bytes);
}

IpAddress v6(std::uint64_t network, std::uint64_t host) {
  std::array<std::uint8_t, 16> bytes;
  store_be(bytes.data(), network);
  store_be(bytes.data() + 8, host);
  return IpAddress::v6(bytes);
}

struct Fixture {
  test::SeededEntropy entropy{5};
  RateLimiter limiter{entropy};
};

struct Step {
  Duration wait_before;
  bool allowed;
};

// A burst, then as many as the rate allows.
constexpr std::array<Step, 11> timings = {{{0s, true},
                                           {0s, true},
                                           {0s, true},
                                           {0s, true},
                                           {0s, true},
                                           {0s, false},
                                           {earn_one, true},
                                           {0s, false},
                                           {2 * earn_one, true},
                                           {0s, true},
                                           {0s, false}}};

TEST_CASE_FIXTURE(Fixture, "A source has a burst and a rate, and others do not spend it") {
  Instant now = start;
  std::uint32_t other = 1;
  for (const Step& step : timings) {
    now += step.wait_before;
    CHECK(limiter.allow(v4(8182), now) == step.allowed);
    CHECK(limiter.allow(v4(100'000 + other), now));
    // Hosts of one /64 are one source.
    CHECK(limiter.allow(v6(0x20010db800001212, other), now) == step.allowed);
    CHECK(limiter.allow(v6(0x20010db800001213 + other, 1), now));
    ++other;
  }
}

TEST_CASE_FIXTURE(Fixture, "Refused packets cost nothing, and idle time never earns more than a burst") {
  Instant now = start;
  for (unsigned i = 0; i < ratelimiter_burst; ++i) CHECK(limiter.allow(v4(1), now));
  for (int i = 0; i < 100; ++i) CHECK_FALSE(limiter.allow(v4(1), now += earn_one / 101));
  CHECK(limiter.allow(v4(1), now += earn_one));
  CHECK_FALSE(limiter.allow(v4(1), now));
  now += 900ms;
  for (unsigned i = 0; i < ratelimiter_burst; ++i) CHECK(limiter.allow(v4(1), now));
  CHECK_FALSE(limiter.allow(v4(1), now));
  now += 1h;
  for (unsigned i = 0; i < ratelimiter_burst; ++i) CHECK(limiter.allow(v4(1), now));
  CHECK_FALSE(limiter.allow(v4(1), now));
}

TEST_CASE_FIXTURE(Fixture, "An IPv4 address and an IPv6 network of the same bytes are two sources") {
  const IpAddress four = IpAddress::v4(std::array<std::uint8_t, 4>{1, 2, 3, 4});
  const IpAddress six = IpAddress::v6(std::array<std::uint8_t, 16>{1, 2, 3, 4});
  for (unsigned i = 0; i < ratelimiter_burst; ++i) CHECK(limiter.allow(four, start));
  CHECK_FALSE(limiter.allow(four, start));
  CHECK(limiter.allow(six, start));
}

TEST_CASE_FIXTURE(Fixture, "A clock that jumps back neither earns nor blocks for ever") {
  for (unsigned i = 0; i < ratelimiter_burst; ++i) CHECK(limiter.allow(v4(1), start));
  CHECK_FALSE(limiter.allow(v4(1), start - 50s));
  CHECK(limiter.allow(v4(1), start - 50s + earn_one));
}

TEST_CASE_FIXTURE(Fixture,
                  "When the table is full of active sources, new ones are refused and old ones keep their rate") {
  for (std::uint32_t i = 0; i < max_ratelimiter_sources; ++i) REQUIRE(limiter.allow(v4(i), start));
  CHECK(limiter.size() == max_ratelimiter_sources);
  CHECK_FALSE(limiter.allow(v4(UINT32_MAX), start));
  CHECK(limiter.allow(v4(78), start + 1ms));
  CHECK_FALSE(limiter.allow(v6(7, 7), start + 999ms));
  CHECK(limiter.allow(v4(77), start + 999ms));
  CHECK(limiter.size() == max_ratelimiter_sources);

  // A second later all are forgotten but those two, which have not been quiet for a second.
  CHECK(limiter.allow(v4(UINT32_MAX), start + 1s));
  CHECK(limiter.size() == 3);
}

TEST_CASE_FIXTURE(Fixture, "Sweeping gives nobody a new bucket early") {
  for (std::uint32_t source = 0; source < 2000; ++source) {
    for (unsigned i = 0; i < ratelimiter_burst; ++i) REQUIRE(limiter.allow(v4(source), start));
  }
  for (std::uint32_t source = 0; source < 1000; ++source) {
    REQUIRE(limiter.allow(v4(source), start + 960ms));
    for (unsigned i = 1; i < ratelimiter_burst; ++i) REQUIRE(limiter.allow(v4(source), start + 960ms));
  }
  REQUIRE_FALSE(limiter.allow(v4(0), start + 1s));  // sweeps
  CHECK(limiter.size() == 1000);
  for (std::uint32_t source = 0; source < 1000; ++source) REQUIRE_FALSE(limiter.allow(v4(source), start + 1s));
}

}  // namespace
}  // namespace wg4
