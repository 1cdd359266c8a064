// Sessions: when they begin, which side renews them, when they end, and that nothing of them remains.

#include "shared/base/bytes.h"
#include "tests/sim/pair.h"
#include "tests/support/device_probe.h"
#include "tests/support/packets.h"
#include "tests/support/recording_aead.h"
#include "tests/support/searchable_memory.h"
#include "tests/support/sim_net.h"
#include "tests/support/sim_world.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/keypair.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/replay_window.h"
#include "wg4netns/core/time.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace wg4;
using namespace wg4::test;

namespace {

Keypair& current(SimHost& host, const SimHost& other) { return *host.peer(other)->keypairs.current(); }

}  // namespace

TEST_CASE("the initiator renews the session after 120 s") {
  Pair pair;
  pair.stream(pair.a, pair.b, 240, 500ms);
  CHECK_EQ(pair.wire.initiations(pair.a), 1);
  pair.stream(pair.a, pair.b, 2, 500ms);
  const auto sent = pair.wire.sent(MessageType::initiation, pair.a);
  REQUIRE_EQ(sent.size(), 2);
  CHECK_GE(sent[1].at - sent[0].at, 120s);
  CHECK_LT(sent[1].at - sent[0].at, 121s);
}

TEST_CASE("three renewals lose no packet, in either direction") {
  for (const Duration delay : {1ms, 300ms}) {
    Pair pair;
    REQUIRE(pair.talk());
    pair.world.net.faults.delay = delay;
    for (int i = 0; i < 4000; ++i) {
      pair.a.send_to(pair.b, text(std::to_string(i)));
      pair.world.run_for(50ms);
      pair.b.send_to(pair.a, text(std::to_string(i)));
      pair.world.run_for(50ms);
    }
    pair.world.run_for(2s);
    CHECK_GE(pair.a.count(EventKind::handshake_completed), 4);
    CHECK_EQ(pair.a.received().size(), 4001);
    CHECK_EQ(pair.b.received().size(), 4001);
    CHECK_FALSE(pair.world.nonces.reused());
  }
}

TEST_CASE("late packets of the previous session are still received, in both roles") {
  Bench bench;
  REQUIRE(bench.shake());
  const Bytes late = bench.sealed(bench.packet("late"));
  bench.world.run_for(1s);
  REQUIRE(bench.shake());  // the host is the responder
  bench.hand(late);
  CHECK_EQ(bench.host.received().size(), 1);

  const Bytes also_late = bench.sealed(bench.packet("also late"));
  bench.world.run_for(179s);
  bench.hand(bench.sealed(bench.packet("on time")));
  DeviceProbe::peer(bench.host.device(), bench.raw.public_key())->keypairs.current()->sending = false;
  bench.send_out();
  bench.hand(bench.raw.answer(bench.wire.last().bytes).value());  // now it is the initiator
  CHECK_EQ(bench.host.count(EventKind::handshake_completed), 3);
  bench.hand(also_late);
  CHECK_EQ(bench.host.received().size(), 3);
}

TEST_CASE("the responder does not renew the session because of time") {
  Bench bench;
  REQUIRE(bench.shake());
  bench.wire.clear();
  for (int second = 0; second < 179; ++second) {
    bench.send_out();
    bench.hand(bench.sealed(bench.packet()));  // it is answered, and there is no other reason for a handshake
    bench.world.run_for(1s);
  }
  CHECK(bench.wire.sent(MessageType::initiation, bench.host).empty());
  CHECK_EQ(bench.wire.sent(MessageType::data, bench.host).size(), 179);
}

TEST_CASE("an initiator that only receives renews the session 15 s before it ends") {
  Pair pair;
  REQUIRE(pair.talk());
  PeerChange change;
  change.public_key = pair.a.public_key();
  change.persistent_keepalive_s = 5;
  pair.b.configure(std::move(change));
  const Duration begun = pair.wire.sent(MessageType::initiation, pair.a).front().at;
  pair.world.run_for(160s);
  CHECK_EQ(pair.wire.initiations(pair.a), 1);
  pair.world.run_for(12s);
  const auto sent = pair.wire.sent(MessageType::initiation, pair.a);
  REQUIRE_EQ(sent.size(), 2);
  CHECK_GE(sent[1].at - begun, 165s);
  CHECK_LT(sent[1].at - begun, 171s);
}

TEST_CASE("a session is refused after 180 s, by the receiver and by the sender") {
  Bench bench;
  REQUIRE(bench.shake());
  bench.world.run_for(179s + 900ms);
  bench.hand(bench.sealed(bench.packet()));
  CHECK_EQ(bench.host.received().size(), 1);
  const Bytes late = bench.sealed(bench.packet());
  bench.world.run_for(200ms);
  bench.hand(late);
  CHECK_EQ(bench.host.received().size(), 1);
  CHECK_EQ(bench.host.drops(DropReason::expired_key), 1);

  bench.wire.clear();
  bench.send_out();
  REQUIRE_EQ(bench.wire.entries().size(), 1);
  CHECK(type_of(bench.wire.last()) == MessageType::initiation);
}

TEST_CASE("the sender uses a session until 180 s, but not longer") {
  Bench bench;
  REQUIRE(bench.shake());
  bench.wire.clear();
  bench.world.run_for(179s + 900ms);
  bench.send_out();
  CHECK(type_of(bench.wire.last()) == MessageType::data);
  bench.world.run_for(200ms);
  bench.send_out();
  CHECK(type_of(bench.wire.last()) == MessageType::initiation);
}

TEST_CASE("540 s after the last session all keys are wiped, also from memory") {
  SearchableMemory memory;
  SimWorld world;
  SimHost& a = world.add_host(memory);
  SimHost& b = world.add_host(memory);
  SimWorld::connect(a, b);
  a.send_to(b, text("hello"));
  world.run_for(1s);
  REQUIRE_EQ(b.received().size(), 1);
  b.send_to(a, text("hello"));
  world.run_for(1s);

  const auto keys = world.nonces.keys();
  REQUIRE_EQ(keys.size(), 2);  // one for each direction
  for (const auto& [key, counter] : keys) CHECK(memory.contains(key));
  world.net.passes = [](const Datagram&) { return false; };
  world.run_for(530s);
  for (const auto& [key, counter] : keys) CHECK(memory.contains(key));
  world.run_for(10s);
  for (const auto& [key, counter] : keys) CHECK_FALSE(memory.contains(key));
  CHECK_EQ(a.count(EventKind::keys_expired), 1);
  CHECK_EQ(DeviceProbe::indices(a.device()), 0);
}

TEST_CASE("of old sessions only the previous one is kept") {
  SearchableMemory memory;
  SimWorld world;
  SimHost& a = world.add_host(memory);
  SimHost& b = world.add_host();
  SimWorld::connect(a, b);
  std::vector<NonceLedger::Key> in_order;
  for (int session = 0; session < 4; ++session) {
    a.send_to(b, text("hello"));
    world.run_for(1s);
    for (const auto& [key, counter] : world.nonces.keys())
      if (std::ranges::find(in_order, key) == in_order.end()) in_order.push_back(key);
    world.run_for(125s);
  }
  REQUIRE_GE(in_order.size(), 4);
  CHECK(memory.contains(in_order.back()));
  for (std::size_t i = 0; i + 4 < in_order.size(); ++i) CHECK_FALSE(memory.contains(in_order[i]));
  CHECK_FALSE(memory.contains(in_order.front()));
}

TEST_CASE("after 2^60 packets the session is renewed") {
  Pair pair;
  REQUIRE(pair.talk());
  pair.world.run_for(6s);
  current(pair.b, pair.a).send_counter = rekey_after_messages - 1;  // the responder, too
  CHECK_EQ(pair.stream(pair.b, pair.a, 1, 100ms), 1);
  CHECK_EQ(pair.wire.initiations(pair.b), 0);
  CHECK_EQ(pair.stream(pair.b, pair.a, 1, 100ms), 1);
  CHECK_EQ(pair.wire.initiations(pair.b), 1);
  CHECK_LT(current(pair.b, pair.a).send_counter, 10);
}

TEST_CASE("no packet is sealed with a counter of 2^64 - 2^13 - 1 or more; later ones wait for new keys") {
  Pair pair;
  REQUIRE(pair.talk());
  pair.world.run_for(6s);
  current(pair.a, pair.b).send_counter = reject_after_messages - 3;
  std::vector<Bytes> packets;
  for (std::uint8_t i = 0; i < 10; ++i)
    packets.push_back(make_packet({.source = pair.a.inner(), .destination = pair.b.inner(), .payload = Bytes(100, i)}));
  const std::size_t before = pair.b.received().size();
  pair.wire.clear();
  pair.a.send(packets);
  std::uint64_t highest = 0;
  for (const auto& entry : pair.wire.sent(MessageType::data, pair.a))
    highest = std::max(highest, load_le<std::uint64_t>(entry.datagram.bytes.data() + 8));
  CHECK_EQ(highest, reject_after_messages - 1);
  pair.world.run_for(1s);
  CHECK(std::ranges::equal(std::span(pair.b.received()).subspan(before), packets));
  CHECK_FALSE(pair.world.nonces.reused());
}

TEST_CASE("a received counter of 2^64 - 2^13 - 1 or more is refused, whatever its tag") {
  Bench bench;
  REQUIRE(bench.shake());
  for (const std::uint64_t counter : {reject_after_messages, reject_after_messages + 1, UINT64_MAX}) {
    bench.hand(bench.raw.seal(counter, bench.packet()));
    CHECK(bench.host.received().empty());
  }
  CHECK_EQ(bench.host.drops(DropReason::counter_limit), 3);
  bench.hand(bench.raw.seal(reject_after_messages - 1, bench.packet()));
  CHECK_EQ(bench.host.received().size(), 1);
}

TEST_CASE("late packets are accepted within the window, and each once") {
  Bench bench;
  REQUIRE(bench.shake());
  bench.hand(bench.raw.seal(20000, bench.packet()));
  bench.hand(bench.raw.seal(20000 - ReplayWindow::size, bench.packet()));
  CHECK_EQ(bench.host.received().size(), 2);
  bench.hand(bench.raw.seal(20000 - ReplayWindow::size - 1, bench.packet()));
  bench.hand(bench.raw.seal(20000, bench.packet()));
  bench.hand(bench.raw.seal(20000 - ReplayWindow::size, bench.packet()));
  CHECK_EQ(bench.host.received().size(), 2);
  CHECK_EQ(bench.host.drops(DropReason::replayed_counter), 3);
}

TEST_CASE("every datagram of a session, received again from anywhere, changes nothing") {
  Pair pair;
  for (int i = 0; i < 5; ++i) REQUIRE(pair.talk());
  pair.world.run_for(121s);
  REQUIRE(pair.talk());
  pair.world.run_for(30s);
  const auto recorded = pair.wire.entries();
  REQUIRE_GT(recorded.size(), 15);
  for (SimHost* host : {&pair.a, &pair.b}) {
    const SimHost& other = host == &pair.a ? pair.b : pair.a;
    const auto before = host->status_of(other);
    const auto deadline = host->device().next_deadline();
    const auto received = host->received().size();
    const auto events = host->events().size();
    pair.wire.clear();
    for (const auto& entry : recorded) {
      if (!host->has(entry.datagram.to)) continue;
      Datagram replay = entry.datagram;
      replay.from = endpoint("203.0.113.66:6");
      host->receive(replay);
      host->turn();
    }
    const auto after = host->status_of(other);
    CHECK_EQ(after.rx_bytes, before.rx_bytes);
    CHECK_EQ(after.tx_bytes, before.tx_bytes);
    CHECK(after.endpoint == before.endpoint);
    CHECK(host->device().next_deadline() == deadline);
    CHECK_EQ(host->received().size(), received);
    CHECK_EQ(host->events().size(), events);
    CHECK(pair.wire.entries().empty());
  }
}

TEST_CASE("a machine that was suspended comes back with its session, or with a new one, within a second") {
  for (const Duration span : {Duration(60s), Duration(150s), Duration(200s), Duration(600s), Duration(7200s)}) {
    Pair pair;
    REQUIRE(pair.talk());
    pair.a.send_to(pair.b, text("unanswered"));
    pair.a.suspend_for(span);
    pair.world.run_for(span + 1ms);
    CHECK_FALSE(pair.world.deadline_in_the_past);
    CHECK(pair.talk());
  }
}

TEST_CASE("a machine that was suspended during a handshake finishes another one at once") {
  for (const Duration span : {Duration(30s), Duration(600s)}) {
    Pair pair;
    REQUIRE(pair.talk());
    pair.world.run_for(121s);
    pair.a.send_to(pair.b, text("renews"));
    pair.a.suspend_for(span);
    pair.world.run_for(span + 1ms);
    const std::size_t before = pair.b.received().size();
    pair.a.send_to(pair.b, text("awake"));
    pair.world.run_for(1s);
    CHECK_EQ(pair.b.received().size(), before + 1);
  }
}
