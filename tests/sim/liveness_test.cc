// How a side that hears nothing finds out whether the other is still there: keepalives, and data without an answer.

#include "shared/base/bytes.h"
#include "tests/sim/pair.h"
#include "tests/support/device_probe.h"
#include "tests/support/packets.h"
#include "tests/support/sim_net.h"
#include "tests/support/sim_world.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/evidence.h"
#include "wg4netns/core/keypair.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

using namespace wg4;
using namespace wg4::test;

TEST_CASE("a side that receives data and has none to send sends one keepalive after 10 s, which is not answered") {
  Pair pair;
  REQUIRE(pair.talk());
  pair.world.run_for(30s);
  pair.wire.clear();
  pair.a.send_to(pair.b, text("data"));
  const Duration sent = pair.world.now();
  pair.world.run_for(100s);
  CHECK_EQ(pair.wire.keepalives(pair.b), 1);
  CHECK_EQ(pair.wire.keepalives(pair.a), 0);
  const Duration gap = pair.wire.entries().back().at - sent;
  CHECK_EQ(gap, 10s + pair.world.net.faults.delay);
}

TEST_CASE("more data in the meantime: one more keepalive 10 s later, then no more") {
  Pair pair;
  REQUIRE(pair.talk());
  pair.world.run_for(30s);
  pair.wire.clear();
  pair.stream(pair.a, pair.b, 5, 1s);
  pair.world.run_for(60s);
  CHECK_EQ(pair.wire.keepalives(pair.b), 2);
  CHECK_EQ(pair.wire.keepalives(pair.a), 0);
}

TEST_CASE("a persistent keepalive starts at once, keeps its interval, and is pushed back by traffic") {
  Pair pair;
  PeerChange change;
  change.public_key = pair.b.public_key();
  change.persistent_keepalive_s = 7;
  pair.a.configure(std::move(change));
  CHECK_EQ(pair.wire.initiations(pair.a), 1);  // at once
  pair.world.run_for(1s);
  pair.wire.clear();
  pair.world.run_for(70s);
  CHECK_EQ(pair.wire.keepalives(pair.a), 10);
  CHECK_EQ(pair.wire.keepalives(pair.b), 0);

  pair.wire.clear();
  pair.stream(pair.a, pair.b, 30, 1s);
  CHECK_EQ(pair.wire.keepalives(pair.a), 0);

  PeerChange off;
  off.public_key = pair.b.public_key();
  off.persistent_keepalive_s = 0;
  pair.a.configure(std::move(off));
  pair.world.run_for(20s);
  pair.wire.clear();
  pair.world.run_for(100s);
  CHECK(pair.wire.entries().empty());
}

TEST_CASE("with a persistent keepalive a lost peer is tried for ever, and found again") {
  for (const std::uint16_t interval : {std::uint16_t{1}, std::uint16_t{25}, std::uint16_t{600}}) {
    Pair pair;
    PeerChange change;
    change.public_key = pair.b.public_key();
    change.persistent_keepalive_s = interval;
    pair.cut();
    pair.a.configure(std::move(change));
    pair.world.run_for(3600s);
    pair.mend();
    CHECK(pair.world.run_until([&] { return pair.b.count(EventKind::handshake_completed) == 1; },
                               std::chrono::seconds(interval) + 6s));
  }
}

TEST_CASE("data that stays unanswered for 15 s brings a new handshake") {
  Pair pair;
  REQUIRE(pair.talk());
  pair.world.run_for(15s);
  pair.cut();
  pair.wire.clear();
  const Duration sent = pair.world.now();
  pair.stream(pair.a, pair.b, 10, 1s);
  pair.world.run_for(7s);
  const auto found = pair.wire.sent(MessageType::initiation, pair.a);
  REQUIRE_EQ(found.size(), 1);
  CHECK_GE(found.front().at - sent, 15s);
  CHECK_LT(found.front().at - sent, 15s + rekey_timeout_jitter_max);
}

TEST_CASE("unanswered data in the first packet of a session that we began brings a new handshake") {
  Pair pair;
  pair.world.net.passes = [](const Datagram& datagram) { return classify(datagram.bytes) != MessageType::data; };
  pair.a.send_to(pair.b, text("first"));
  pair.world.run_for(1s);
  CHECK_EQ(pair.a.count(EventKind::handshake_completed), 1);
  const auto data = pair.wire.sent(MessageType::data, pair.a);
  REQUIRE_EQ(data.size(), 1);
  pair.wire.clear();
  pair.world.run_for(18s);
  const auto found = pair.wire.sent(MessageType::initiation, pair.a);
  REQUIRE_EQ(found.size(), 1);
  CHECK_GE(found.front().at - data.front().at, 15s);
  CHECK_LT(found.front().at - data.front().at, 15s + rekey_timeout_jitter_max);
}

TEST_CASE("unanswered data in the first packet of a session that renews another brings a new handshake") {
  Pair pair;
  REQUIRE(pair.talk());
  pair.world.run_for(200s);  // the session is too old to send with: the packet waits for the next one
  pair.world.net.passes = [](const Datagram& datagram) { return classify(datagram.bytes) != MessageType::data; };
  for (SimHost* host : {&pair.a, &pair.b}) {
    SimHost& other = host == &pair.a ? pair.b : pair.a;
    pair.wire.clear();
    const Duration sent = pair.world.now();
    host->send_to(other, text("first"));
    pair.world.run_for(18s);
    const auto found = pair.wire.sent(MessageType::initiation, *host);
    REQUIRE_EQ(found.size(), 2);
    CHECK_LT(found[0].at - sent, 1ms);
    CHECK_GE(found[1].at - sent, 15s);
    CHECK_LT(found[1].at - sent, 16s);
    pair.world.run_for(200s);
  }
}

TEST_CASE("unanswered data that waited for the other side to confirm its session brings a new handshake") {
  for (const bool by_data : {false, true}) {
    Bench bench;
    bench.send_out("waits");  // the initiation that it causes is lost: the other side sends its own
    bench.hand(bench.raw.initiation());
    REQUIRE(bench.raw.finish(bench.wire.last().bytes));
    bench.wire.clear();
    const Duration confirmed = bench.world.now();
    bench.hand(bench.raw.seal(0, by_data ? bench.packet("asks") : Bytes{}));
    REQUIRE_EQ(bench.wire.sent(MessageType::data, bench.host).size(), 1);
    bench.world.run_for(18s);
    const auto found = bench.wire.sent(MessageType::initiation, bench.host);
    REQUIRE_EQ(found.size(), 1);
    CHECK_GE(found.front().at - confirmed, 15s);
    CHECK_LT(found.front().at - confirmed, 15s + rekey_timeout_jitter_max);
  }
}

TEST_CASE("an answer to the first packet of a session cancels the new handshake, in both roles") {
  Pair pair;
  pair.a.send_to(pair.b, text("first"));
  pair.world.run_for(1s);
  pair.b.send_to(pair.a, text("answer"));
  pair.world.run_for(60s);
  CHECK_EQ(pair.wire.initiations(pair.a), 1);
  CHECK_EQ(pair.wire.initiations(pair.b), 0);
  Bench bench;
  bench.send_out("waits");
  bench.hand(bench.raw.initiation());
  REQUIRE(bench.raw.finish(bench.wire.last().bytes));
  bench.hand(bench.raw.seal(0, {}));
  bench.hand(bench.raw.seal(1, {}));
  bench.world.run_for(60s);
  CHECK_EQ(bench.wire.initiations(bench.host), 1);
}

TEST_CASE("if an answer is staged when data confirms a session, no keepalive is sent besides") {
  Bench bench;
  bench.send_out("waits");
  bench.hand(bench.raw.initiation());
  REQUIRE(bench.raw.finish(bench.wire.last().bytes));
  bench.hand(bench.raw.seal(0, bench.packet("asks")));
  bench.world.run_for(1s);
  bench.wire.clear();
  bench.world.run_for(13s);
  CHECK(bench.wire.entries().empty());
}

TEST_CASE("the keepalive that confirms a session is no answer to packets that it releases") {
  Bench bench;
  for (unsigned session = 0; session < PeerEvidence::telling_keepalives; ++session) {
    bench.send_out("waits");
    bench.hand(bench.raw.initiation());
    REQUIRE(bench.raw.finish(bench.wire.last().bytes));
    bench.hand(bench.raw.seal(0, {}));
    bench.world.run_for(200s);  // no session can be used any more
  }
  CHECK_EQ(DeviceProbe::peer(bench.host.device(), bench.raw.public_key())->evidence.bare_keepalives, 0);
}

TEST_CASE("an unanswered keepalive starts no handshake") {
  Pair pair;
  REQUIRE(pair.talk());
  pair.cut();
  pair.wire.clear();
  pair.world.run_for(100s);
  CHECK_LE(pair.wire.keepalives(pair.a) + pair.wire.keepalives(pair.b), 2);
  CHECK_EQ(pair.wire.initiations(pair.a), 0);
}

TEST_CASE("a peer that lost its state is found again after 15 s, or at once when it sends") {
  Pair pair;
  REQUIRE(pair.talk());
  const auto forget = [](SimHost& host, const SimHost& other) {
    DeviceChange change;
    change.replace_peers = true;
    change.peers.push_back(other.as_peer());
    host.configure(change);
  };
  forget(pair.b, pair.a);
  pair.a.send_to(pair.b, text("lost"));
  pair.world.run_for(17s);
  CHECK_EQ(pair.b.drops(DropReason::unknown_index), 1);
  CHECK(pair.talk());
  forget(pair.b, pair.a);
  pair.world.run_for(6s);
  pair.b.send_to(pair.a, text("at once"));
  pair.world.run_for(1s);
  CHECK(std::ranges::equal(payload_of(pair.a.received().back()), text("at once")));
}
