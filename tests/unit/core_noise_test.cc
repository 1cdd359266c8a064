#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/noise.h"
#include "wg4netns/core/time.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "tests/support/searchable_memory.h"
#include "tests/support/seeded_entropy.h"
#include "wg4netns/core/keypair.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/crypto/curve25519.h"

#include <doctest/doctest.h>

using namespace wg4;
using namespace wg4::test;

namespace {

const WallTime wall = WallTime{std::chrono::sys_days{std::chrono::year{2024} / 1 / 1}};

/// Two sides that know each other.
struct Sides {
  static StaticIdentity identity(std::uint8_t fill) {
    PrivateKey key;
    std::ranges::fill(key.span(), fill);
    return StaticIdentity(std::move(key));
  }
  void initiate(Duration after = {}) {
    REQUIRE(at_a.create_initiation(a, 1, wall + after, entropy, InitiationSpan{initiation}));
  }
  Handshake::Verdict consume(Instant now = {}) {
    const auto opened = open_initiation(b, InitiationView{initiation});
    return opened ? at_b.consume_initiation(b, *opened, InitiationView{initiation}, now) : Handshake::Verdict::rejected;
  }
  void respond() { REQUIRE(at_b.create_response(2, entropy, ResponseSpan{response})); }
  bool finish() { return at_a.consume_response(a, ResponseView{response}); }

  SeededEntropy entropy{5};
  StaticIdentity a = identity(1);
  StaticIdentity b = identity(2);
  Handshake at_a{b.public_key};
  Handshake at_b{a.public_key};
  std::array<std::uint8_t, initiation_size> initiation{};
  std::array<std::uint8_t, response_size> response{};
};

}  // namespace

TEST_CASE("TAI64N: seconds since 1970 behind the label, nanoseconds rounded down to 2^24") {
  const auto seconds = [](Duration since_1970) { return load_be<std::uint64_t>(tai64n(WallTime{since_1970}).data()); };
  const auto rest = [](Duration since_1970) { return load_be<std::uint32_t>(tai64n(WallTime{since_1970}).data() + 8); };
  constexpr std::uint64_t label = 0x400000000000000a;
  CHECK_EQ(seconds(0s), label);
  CHECK_EQ(seconds(1s + 999'999'999ns), label + 1);
  CHECK_EQ(seconds(-1ns), label - 1);  // a clock before 1970
  CHECK_EQ(rest(1s), 0);
  CHECK_EQ(rest(1s + Duration{(1 << 24) - 1}), 0);
  CHECK_EQ(rest(1s + Duration{1 << 24}), 1U << 24);
  CHECK_EQ(rest(1s + 999'999'999ns), 59U << 24);
  CHECK_EQ(rest(-1ns), 59U << 24);
}

TEST_CASE("an identity is present when its key is not zero") {
  CHECK_FALSE(StaticIdentity().present);
  CHECK_FALSE(StaticIdentity(PrivateKey{}).present);
  CHECK(Sides::identity(1).present);
  CHECK_EQ(Sides::identity(1).private_key.span()[0], 0);         // clamped
  CHECK_EQ(Sides::identity(0xff).private_key.span()[31], 0x7f);  // clamped
}

TEST_CASE("any changed bit of an initiation is noticed, but those of the sender index") {
  for (std::size_t at = 4; at < 116; ++at) {
    Sides sides;
    sides.initiate();
    sides.initiation[at] ^= 0x10;
    CHECK((sides.consume() == Handshake::Verdict::accepted) == (at < 8));
    CHECK_EQ(sides.at_b.state() == Handshake::State::none, at >= 8);
  }
}

TEST_CASE("any changed bit of a response is noticed, but those of the indices, and leaves the handshake waiting") {
  Sides sides;
  sides.initiate();
  REQUIRE(sides.consume() == Handshake::Verdict::accepted);
  sides.respond();
  for (std::size_t at = 12; at < 60; ++at) {
    sides.response[at] ^= 0x10;
    CHECK_FALSE(sides.finish());
    CHECK(sides.at_a.state() == Handshake::State::created_initiation);
    sides.response[at] ^= 0x10;
  }
  CHECK(sides.finish());
  CHECK_FALSE(sides.finish());
}

TEST_CASE("timestamps have to grow, and initiations have to be 20 ms apart") {
  Sides sides;
  sides.initiate(1s);
  CHECK(sides.consume(Instant(1s)) == Handshake::Verdict::accepted);
  CHECK(sides.consume(Instant(2s)) == Handshake::Verdict::replayed);
  sides.initiate(500ms);
  CHECK(sides.consume(Instant(2s)) == Handshake::Verdict::stale);
  CHECK(sides.consume(Instant(2s)) == Handshake::Verdict::replayed);
  sides.initiate(400ms);
  CHECK(sides.consume(Instant(2s)) == Handshake::Verdict::replayed);
  sides.initiate(600ms);
  CHECK(sides.consume(Instant(2s)) == Handshake::Verdict::stale);
  sides.initiate(2s);
  CHECK(sides.consume(Instant(1s) + 19ms) == Handshake::Verdict::flood);
  CHECK(sides.consume(Instant(1s) + 20ms) == Handshake::Verdict::accepted);
  sides.at_b.forget_identity();
  CHECK(sides.consume(Instant(3s)) == Handshake::Verdict::replayed);  // an accepted timestamp stays used
}

TEST_CASE("a timestamp is converted back to its time, unless that is absurd") {
  const WallTime time = std::chrono::sys_days{std::chrono::year{2026} / 3 / 4} + 5h + 250ms;
  const auto back = wall_time(tai64n(time));
  REQUIRE(back.has_value());
  CHECK_LE(*back, time);
  CHECK_LT(time - *back, 17ms);
  Timestamp absurd;
  absurd.fill(0xff);
  CHECK_FALSE(wall_time(absurd));
  CHECK_FALSE(wall_time(Timestamp{}));
}

TEST_CASE("a session begins once, and only where a handshake ended") {
  Sides sides;
  CHECK_FALSE(sides.at_a.begin_session());
  sides.initiate();
  CHECK_FALSE(sides.at_a.begin_session());
  CHECK_EQ(sides.at_a.local_index(), 1);
  REQUIRE(sides.consume() == Handshake::Verdict::accepted);
  CHECK_FALSE(sides.at_b.begin_session());
  sides.respond();
  REQUIRE(sides.finish());
  const auto at_a = sides.at_a.begin_session();
  const auto at_b = sides.at_b.begin_session();
  REQUIRE(at_a);
  REQUIRE(at_b);
  CHECK(at_a->send.equals(at_b->receive));
  CHECK(at_a->receive.equals(at_b->send));
  CHECK_FALSE(at_a->send.equals(at_a->receive));
  CHECK_FALSE(sides.at_a.begin_session());
  CHECK_FALSE(sides.at_a.local_index());
}

TEST_CASE("an ephemeral key does not outlive its handshake, however that ends") {
  for (const bool finished : {true, false}) {
    SearchableMemory memory;
    Sides sides;
    const auto handshake = make_pmr<Handshake>(memory, sides.b.public_key);
    SeededEntropy same_entropy(5);
    PrivateKey ephemeral;
    same_entropy.fill(ephemeral.span());
    crypto::clamp(ephemeral);
    REQUIRE(handshake->create_initiation(sides.a, 1, wall, sides.entropy, InitiationSpan{sides.initiation}));
    REQUIRE(memory.contains(ephemeral.span()));
    if (finished) {
      REQUIRE(sides.consume() == Handshake::Verdict::accepted);
      sides.respond();
      REQUIRE(handshake->consume_response(sides.a, ResponseView{sides.response}));
      REQUIRE(handshake->begin_session());
    } else {
      handshake->clear();
    }
    CHECK_FALSE(memory.contains(ephemeral.span()));
  }
}

TEST_CASE("an initiation for someone else opens nothing") {
  Sides sides;
  sides.initiate();
  CHECK_FALSE(open_initiation(Sides::identity(3), InitiationView{sides.initiation}));
}

TEST_CASE("an initiation that names another peer than it is tried for is rejected") {
  Sides sides;
  sides.initiate();
  const auto opened = open_initiation(sides.b, InitiationView{sides.initiation});
  REQUIRE(opened);
  Handshake other(Sides::identity(3).public_key);
  CHECK(other.consume_initiation(sides.b, *opened, InitiationView{sides.initiation}, {}) ==
        Handshake::Verdict::rejected);
}
