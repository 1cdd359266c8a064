// Under load: cookies, rate limits, and a flood that must not affect existing peers.

#include "shared/base/bytes.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "tests/sim/pair.h"
#include "tests/support/device_probe.h"
#include "tests/support/packets.h"
#include "tests/support/seeded_entropy.h"
#include "tests/support/sim_net.h"
#include "tests/support/sim_world.h"
#include "wg4netns/core/cookie.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/blake2s.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

using namespace wg4;
using namespace wg4::test;

namespace {

/// A flood of initiations whose sender knows the public key and nothing else.
class Flood {
 public:
  explicit Flood(const SimHost& target) : mac1_key_(crypto::blake2s(text("mac1----"), target.public_key())) {}

  Bytes initiation() { return message(MessageType::initiation, initiation_size); }
  Bytes response() { return message(MessageType::response, response_size); }
  Bytes cookie_reply() {
    Bytes bytes(cookie_reply_size);
    entropy_.fill(bytes);
    store_le(bytes.data(), static_cast<std::uint32_t>(MessageType::cookie_reply));
    return bytes;
  }
  Endpoint from() {
    std::array<std::uint8_t, 4> bytes;
    entropy_.fill(bytes);
    return {IpAddress::v4(bytes), static_cast<std::uint16_t>(entropy_.below(65535) + 1)};
  }
  /// Floods the host for `span` with `per_ms` initiations per millisecond, while the rest of the world goes on.
  void run(SimWorld& world, SimHost& target, Duration span, int per_ms) {
    for (Duration end = world.now() + span; world.now() < end;) {
      for (int i = 0; i < per_ms; ++i) {
        const auto kind = entropy_.below(10);
        target.receive({from(), target.address(), 0,
                        kind == 0  ? response()
                        : kind < 4 ? cookie_reply()
                                   : initiation()});
      }
      world.run_for(1ms);
    }
  }

 private:
  Bytes message(MessageType type, std::size_t size) {
    Bytes bytes(size);
    entropy_.fill(bytes);
    store_le(bytes.data(), static_cast<std::uint32_t>(type));
    std::ranges::copy(crypto::blake2s_mac(mac1_key_, std::span(bytes).first(size - 32)), bytes.end() - 32);
    return bytes;
  }

  SeededEntropy entropy_{99};
  crypto::Hash mac1_key_;
};

/// Fills the handshake queue until the device is under load, for a second.
void overload(Bench& bench) {
  Flood flood(bench.host);
  for (std::size_t i = 0; i < under_load_queue + 10; ++i)
    bench.host.receive({flood.from(), bench.host.address(), 0, flood.initiation()});
  while (DeviceProbe::handshakes_waiting(bench.host.device()) > 0) bench.host.turn();
  bench.wire.clear();
}

bool is_type(const Wire& wire, MessageType type) { return !wire.entries().empty() && type_of(wire.last()) == type; }

/// What b would answer to a's last handshake message if it wanted a cookie.
Bytes cookie_reply_to_last(Pair& pair) {
  CookieChecker checker;
  checker.set_identity(pair.b.public_key());
  SeededEntropy entropy(3);
  Bytes reply(cookie_reply_size);
  checker.make_reply(pair.wire.last().bytes, pair.a.address(), pair.a.now().boot, entropy,
                     ByteSpan(reply).first<cookie_reply_size>());
  return reply;
}

}  // namespace

TEST_CASE("under load an initiation is answered with a cookie, and accepted once it carries it") {
  Bench bench;
  overload(bench);
  bench.hand(bench.raw.initiation());
  REQUIRE(is_type(bench.wire, MessageType::cookie_reply));
  CHECK_EQ(bench.wire.last().to, bench.where);
  CHECK_EQ(bench.wire.last().tos, 0);
  REQUIRE(bench.raw.take_cookie(bench.wire.last().bytes));
  bench.hand(bench.raw.initiation());
  REQUIRE(is_type(bench.wire, MessageType::response));
  CHECK(bench.raw.finish(bench.wire.last().bytes));
}

TEST_CASE("a cookie is valid for its address and port only") {
  Bench bench;
  overload(bench);
  bench.hand(bench.raw.initiation());
  REQUIRE(bench.raw.take_cookie(bench.wire.last().bytes));
  for (const char* other : {"198.51.100.9:10", "198.51.100.8:9", "[2001:db8::9]:9", "[::ffff:198.51.100.9]:9"}) {
    bench.hand_from(endpoint(other), bench.raw.initiation());
    CHECK(is_type(bench.wire, MessageType::cookie_reply));
  }
  bench.hand(bench.raw.initiation());
  CHECK(is_type(bench.wire, MessageType::response));
}

TEST_CASE("a cookie is valid for 120 s and not longer") {
  for (const bool late : {false, true}) {
    Bench bench;
    overload(bench);
    bench.hand(bench.raw.initiation());
    REQUIRE(bench.raw.take_cookie(bench.wire.last().bytes));
    bench.world.run_for(late ? 120s : 119s);
    overload(bench);
    bench.hand(bench.raw.initiation());
    CHECK(is_type(bench.wire, late ? MessageType::cookie_reply : MessageType::response));
  }
}

TEST_CASE("a cookie is not used by its receiver in its last five seconds") {
  Pair pair;
  pair.world.net.passes = [&](const Datagram& datagram) { return !pair.a.has(datagram.from); };
  pair.a.send_to(pair.b, text("waits"));
  const Bytes reply = cookie_reply_to_last(pair);
  pair.a.receive({pair.b.address(), pair.a.address(), 0, reply});
  pair.a.turn();
  const Duration received = pair.world.now();
  for (int i = 0; i < 30; ++i) {
    pair.a.send_to(pair.b, text("waits"));
    pair.world.run_for(5s);
  }
  int with = 0;
  int without = 0;
  for (const auto& entry : pair.wire.sent(MessageType::initiation, pair.a)) {
    if (entry.at == Duration{}) continue;
    const bool has_mac2 =
        std::ranges::any_of(std::span(entry.datagram.bytes).last(16), [](auto byte) { return byte != 0; });
    CHECK_EQ(has_mac2, entry.at - received < 115s);
    (has_mac2 ? with : without) += 1;
  }
  CHECK_GT(with, 10);
  CHECK_GT(without, 3);
}

TEST_CASE("a cookie reply that answers nothing, or comes twice, is refused") {
  Pair pair;
  pair.cut();
  pair.a.send_to(pair.b, text("waits"));
  const Bytes reply = cookie_reply_to_last(pair);
  const auto hand = [&](const Bytes& bytes) {
    pair.a.receive({pair.b.address(), pair.a.address(), 0, bytes});
    pair.a.turn();
  };
  Bytes forged = reply;
  forged[40] ^= 1;
  hand(forged);
  CHECK_EQ(pair.a.drops(DropReason::bad_cookie_reply), 1);
  hand(reply);
  CHECK_EQ(pair.a.drops(DropReason::bad_cookie_reply), 1);
  hand(reply);
  CHECK_EQ(pair.a.drops(DropReason::bad_cookie_reply), 2);
  Bytes lost = reply;
  lost[5] ^= 1;
  hand(lost);
  CHECK_EQ(pair.a.drops(DropReason::unknown_index), 1);
}

TEST_CASE("load is over a second after the queue was long") {
  Bench bench;
  overload(bench);
  bench.world.run_for(900ms);
  bench.hand(bench.raw.initiation());
  CHECK(is_type(bench.wire, MessageType::cookie_reply));
  bench.world.run_for(200ms);
  bench.hand(bench.raw.initiation());
  CHECK(is_type(bench.wire, MessageType::response));
}

TEST_CASE("under load one source gets 20 handshakes a second and bursts of 5; its neighbour is not limited by it") {
  Bench bench;
  overload(bench);
  bench.hand(bench.raw.initiation());
  REQUIRE(bench.raw.take_cookie(bench.wire.last().bytes));
  bench.wire.clear();
  for (int i = 0; i < 50; ++i) bench.hand(bench.raw.initiation());
  CHECK_EQ(bench.host.drops(DropReason::rate_limited), 45);

  bench.where = endpoint("198.51.100.10:9");
  bench.raw.cookie.reset();
  bench.hand(bench.raw.initiation());
  REQUIRE(bench.raw.take_cookie(bench.wire.last().bytes));
  bench.world.run_for(20ms);
  bench.hand(bench.raw.initiation());
  CHECK(is_type(bench.wire, MessageType::response));

  bench.world.run_for(500ms);
  overload(bench);
  for (int i = 0; i < 100; ++i) {
    bench.hand(bench.raw.initiation());
    bench.world.run_for(10ms);
    overload(bench);
  }
  CHECK_GE(bench.host.drops(DropReason::rate_limited), 45 + 70);
  CHECK_LE(bench.host.drops(DropReason::rate_limited), 45 + 80);
}

TEST_CASE("a flood affects no session, needs bounded memory, and locks no new peer out") {
  SimWorld world;
  SimHost& server = world.add_host();
  SimHost& in = world.add_host();
  SimHost& late = world.add_host();
  for (SimHost* client : {&in, &late}) SimWorld::connect(server, *client);
  in.send_to(server, text("hello"));
  world.run_for(1s);
  REQUIRE_EQ(server.received().size(), 1);

  Flood flood(server);
  flood.run(world, server, 500ms, 60);  // four times what the budget of a turn can answer
  late.send_to(server, text("let me in"));
  std::size_t connected_after_ms = 0;
  std::size_t sent = 0;
  for (std::size_t ms = 0; ms < 8000; ms += 20) {
    in.send_to(server, text("up"));
    server.send_to(in, text("down"));
    ++sent;
    flood.run(world, server, 20ms, 60);
    if (connected_after_ms == 0 && late.count(EventKind::handshake_completed) > 0) connected_after_ms = ms + 1;
  }
  world.run_for(1s);
  CHECK_EQ(in.received().size(), sent);
  CHECK_GE(server.received().size(), 1 + sent);
  CAPTURE(connected_after_ms);
  CHECK_GT(connected_after_ms, 0);
  CHECK_LT(connected_after_ms, 7000);  // a cookie, and one retry with it
  CHECK_LE(DeviceProbe::handshakes_waiting(server.device()), max_queued_handshakes);
  CHECK_LE(DeviceProbe::limited_sources(server.device()), max_ratelimiter_sources);
  CHECK_EQ(DeviceProbe::indices(server.device()), DeviceProbe::indices_in_use(server.device()));
  CHECK_GT(server.drops(DropReason::needs_cookie), 10000);
}

TEST_CASE("a flood faster than the device fills its share of the queue; a source with a cookie still gets in") {
  Bench bench;
  overload(bench);
  bench.hand(bench.raw.initiation());
  REQUIRE(bench.raw.take_cookie(bench.wire.last().bytes));
  Flood flood(bench.host);
  for (std::size_t i = 0; i < 3 * max_queued_handshakes; ++i)
    bench.host.receive({flood.from(), bench.host.address(), 0, flood.initiation()});
  const std::size_t share = max_queued_handshakes - cookie_holders_share;
  CHECK_EQ(DeviceProbe::handshakes_waiting(bench.host.device()), share);
  bench.host.receive({bench.where, bench.host.address(), 0, bench.raw.initiation()});
  CHECK_EQ(DeviceProbe::handshakes_waiting(bench.host.device()), share + 1);
  bench.wire.clear();
  bench.world.run_for(100ms);
  CHECK_EQ(bench.wire.sent(MessageType::response, bench.host).size(), 1);
}

TEST_CASE("junk cookie replies do not put a device under load") {
  Bench bench;
  Flood flood(bench.host);
  for (int i = 0; i < 5000; ++i) bench.host.receive({flood.from(), bench.host.address(), 0, flood.cookie_reply()});
  bench.hand(bench.raw.initiation());
  bench.world.run_for(1s);
  CHECK(is_type(bench.wire, MessageType::response));
  CHECK_EQ(bench.host.drops(DropReason::handshake_queue_full), 0);
}
