// Handshakes: when there is a session and when not, and what happens when messages cross, get lost or are repeated.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "shared/net/ip_address.h"
#include "tests/sim/pair.h"
#include "tests/support/device_probe.h"
#include "tests/support/packets.h"
#include "tests/support/raw_peer.h"
#include "tests/support/sim_net.h"
#include "tests/support/sim_world.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/inner_packet.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/blake2s.h"

#include <doctest/doctest.h>

using namespace wg4;
using namespace wg4::test;

namespace {

PresharedKey psk(std::uint8_t fill) {
  PresharedKey key;
  std::ranges::fill(key.span(), fill);
  return key;
}

void set_psk(SimHost& host, const SimHost& other, std::uint8_t fill) {
  PeerChange change;
  change.public_key = other.public_key();
  change.preshared_key = psk(fill);
  host.configure(std::move(change));
}

bool has_session(SimHost& host, const SimHost& other) { return host.peer(other)->keypairs.current() != nullptr; }

}  // namespace

TEST_CASE("a handshake, then data both ways, over IPv4 and IPv6, with IPv4 and IPv6 inside") {
  for (const Family outer : {Family::v4, Family::v6}) {
    for (const Family inner : {Family::v4, Family::v6}) {
      Pair pair(outer);
      CHECK(pair.talk(inner));
      CHECK_EQ(pair.wire.initiations(pair.a), 1);
      CHECK_EQ(pair.wire.sent(MessageType::response, pair.b).size(), 1);
      CHECK_EQ(pair.wire.entries().front().datagram.to, pair.b.address(outer));
      CHECK(pair.b.received().front() ==
            make_packet({.source = pair.a.inner(inner), .destination = pair.b.inner(inner), .payload = text("ping")}));
      CHECK_EQ(pair.a.count(EventKind::handshake_completed), 1);
      CHECK_EQ(pair.b.count(EventKind::handshake_completed), 1);
      CHECK_EQ(pair.a.status_of(pair.b).tx_bytes, pair.b.status_of(pair.a).rx_bytes);
      CHECK(pair.a.status_of(pair.b).last_handshake.has_value());
    }
  }
}

TEST_CASE("every inner protocol arrives unchanged") {
  Pair pair;
  for (const Protocol protocol : {Protocol::icmp, Protocol::tcp, Protocol::udp}) {
    const Bytes packet = make_packet(
        {.source = pair.a.inner(), .destination = pair.b.inner(), .protocol = protocol, .payload = text("abc")});
    pair.a.send(packet);
    pair.world.run_for(1s);
    CHECK(pair.b.received().back() == packet);
  }
  const Bytes packet = make_packet({.source = pair.a.inner(Family::v6),
                                    .destination = pair.b.inner(Family::v6),
                                    .protocol = Protocol::icmp6,
                                    .payload = text("abc")});
  pair.a.send(packet);
  pair.world.run_for(1s);
  CHECK(pair.b.received().back() == packet);
}

TEST_CASE("three devices talk pairwise") {
  SimWorld world;
  for (int i = 0; i < 3; ++i) world.add_host();
  for (std::size_t i = 0; i < 3; ++i) SimWorld::connect(world.host(i), world.host((i + 1) % 3));
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      if (i != j) world.host(i).send_to(world.host(j), text("hello"));
  world.run_for(12s);  // some initiations crossed
  for (std::size_t i = 0; i < 3; ++i) CHECK_EQ(world.host(i).received().size(), 2);
}

TEST_CASE("a preshared key that both have works; a change applies from the next handshake on") {
  Pair pair;
  set_psk(pair.a, pair.b, 1);
  set_psk(pair.b, pair.a, 1);
  REQUIRE(pair.talk());
  set_psk(pair.a, pair.b, 2);
  CHECK(pair.talk());  // the running session is not affected
  pair.world.run_for(121s);
  pair.a.send_to(pair.b, text("asks for a new session"));
  pair.world.run_for(12s);
  CHECK_EQ(pair.a.count(EventKind::handshake_completed), 1);  // now the keys differ
  CHECK_EQ(pair.b.count(EventKind::handshake_completed), 1);
  set_psk(pair.b, pair.a, 2);
  pair.world.run_for(6s);
  CHECK_EQ(pair.a.count(EventKind::handshake_completed), 2);
  CHECK(pair.talk());
}

TEST_CASE("with a wrong preshared key there is never a session") {
  Pair pair;
  set_psk(pair.a, pair.b, 1);
  pair.a.send_to(pair.b, text("lost"));
  pair.world.run_for(200s);
  CHECK(pair.b.received().empty());
  CHECK_FALSE(has_session(pair.a, pair.b));
  CHECK_FALSE(has_session(pair.b, pair.a));
  CHECK_GT(pair.a.drops(DropReason::handshake_rejected), 0);
}

TEST_CASE("an unknown key gets no answer") {
  Pair pair;
  SimHost& stranger = pair.world.add_host();
  stranger.configure(pair.b.as_peer());
  stranger.send_to(pair.b, text("lost"));
  pair.world.run_for(30s);
  CHECK_GE(pair.wire.initiations(stranger), 5);
  CHECK_EQ(pair.wire.initiations(stranger), pair.wire.entries().size());
  CHECK_GE(pair.b.drops(DropReason::handshake_rejected), 5);
}

TEST_CASE("a message whose sender does not know our public key is not processed") {
  Bench bench;
  bench.raw.remote_static[5] ^= 1;
  bench.hand(bench.raw.initiation());
  CHECK(bench.wire.entries().empty());
  CHECK_EQ(bench.host.drops(DropReason::bad_mac1), 1);
}

TEST_CASE("a device without a private key is silent") {
  Pair pair;
  pair.b.set_private_key({});
  pair.a.send_to(pair.b, text("lost"));
  pair.b.send_to(pair.a, text("lost"));
  pair.world.run_for(30s);
  CHECK_EQ(pair.wire.entries().size(), pair.wire.initiations(pair.a));
  CHECK_GT(pair.b.drops(DropReason::not_configured), 0);
}

TEST_CASE("packets wait for the handshake and are sent in order") {
  Pair pair;
  std::vector<Bytes> packets;
  for (std::uint8_t i = 0; i < 100; ++i) {
    packets.push_back(make_packet({.source = pair.a.inner(),
                                   .destination = pair.b.inner(),
                                   .ecn = i % 7 == 0 ? Ecn::ect0 : Ecn::not_ect,
                                   .payload = Bytes(1U + i % 3U * 100U, i)}));
    pair.a.send(packets.back());
  }
  pair.world.run_for(1s);
  CHECK(pair.b.received() == packets);
}

TEST_CASE("no more than 128 packets wait; the oldest are dropped") {
  Pair pair;
  for (int i = 0; i < 200; ++i) pair.a.send_to(pair.b, text(std::to_string(i)));
  CHECK_EQ(DeviceProbe::most_staged(pair.a.device()), max_staged_packets);
  CHECK_EQ(pair.a.drops(DropReason::staged_overflow), 200 - max_staged_packets);
  pair.world.run_for(1s);
  REQUIRE_EQ(pair.b.received().size(), max_staged_packets);
  CHECK(std::ranges::equal(payload_of(pair.b.received().front()), text("72")));
}

TEST_CASE("after initiations that cross there is a session within a retry") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Pair pair(Family::v4, seed);
    pair.a.send_to(pair.b, text("ping"));
    pair.b.send_to(pair.a, text("pong"));
    // Both jitters are within a third of a second; the side that is first by the path's delay wins.
    CHECK(pair.world.run_until([&] { return pair.a.received().size() == 1 && pair.b.received().size() == 1; }, 12s));
  }
}

TEST_CASE("the same on a slow path, whether or not more packets follow") {
  for (const bool busy : {false, true}) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      Pair pair(Family::v4, seed);
      pair.world.net.faults.delay = 400ms;  // a response is out later than one jitter can reach
      pair.a.send_to(pair.b, text("ping"));
      pair.b.send_to(pair.a, text("pong"));
      const auto both = [&] { return !pair.a.received().empty() && !pair.b.received().empty(); };
      for (int step = 0; step < 1200 && !both(); ++step) {
        pair.world.run_for(50ms);
        if (!busy) continue;
        pair.a.send_to(pair.b, text("ping"));
        pair.b.send_to(pair.a, text("pong"));
      }
      CHECK(both());
    }
  }
}

TEST_CASE("a responder whose packet waits for a lost confirmation initiates by itself") {
  Pair pair;
  pair.world.net.passes = [&](const Datagram& datagram) {
    return !(type_of(datagram) == MessageType::data && pair.a.has(datagram.from));  // the confirmation is lost
  };
  pair.a.send_to(pair.b, text("lost"));
  pair.world.run_for(1s);
  pair.b.send_to(pair.a, text("waits"));
  pair.mend();
  CHECK(pair.world.run_until([&] { return pair.a.received().size() == 1; }, 6s));
}

TEST_CASE("an unanswered initiation is sent 20 times, 5 s and jitter apart, and then staged packets are dropped") {
  Pair pair;
  pair.cut();
  pair.a.send_to(pair.b, text("lost"));
  pair.world.run_for(110s);
  const auto initiations = pair.wire.sent(MessageType::initiation, pair.a);
  REQUIRE_EQ(initiations.size(), 20);
  std::set<Duration> gaps;
  for (std::size_t i = 1; i < initiations.size(); ++i) {
    const Duration gap = initiations[i].at - initiations[i - 1].at;
    CHECK_GE(gap, 5s);
    CHECK_LT(gap, 5s + rekey_timeout_jitter_max);
    gaps.insert(gap);
  }
  CHECK_GT(gaps.size(), 10);
  CHECK_EQ(pair.a.count(EventKind::handshake_unanswered), 19);
  CHECK_EQ(pair.a.count(EventKind::handshake_gave_up), 1);
  CHECK_EQ(pair.a.drops(DropReason::staged_purged), 1);

  pair.wire.clear();
  pair.world.run_for(600s);
  CHECK(pair.wire.entries().empty());
  CHECK_EQ(DeviceProbe::indices(pair.a.device()), 0);

  pair.mend();
  CHECK(pair.talk());
}

TEST_CASE("an initiation is accepted once: TAI64N timestamps only go up") {
  Bench bench;
  const Bytes first = bench.raw.initiation();
  const Bytes second = bench.raw.initiation();
  bench.hand(second);
  REQUIRE_EQ(bench.wire.entries().size(), 1);
  bench.world.run_for(1s);
  for (const Bytes& old : {second, first}) {
    bench.hand(old);
    CHECK_EQ(bench.wire.entries().size(), 1);
  }
  CHECK_EQ(bench.host.drops(DropReason::handshake_replayed), 2);
}

TEST_CASE("more than 50 initiations a second from one peer are not answered") {
  Bench bench;
  for (int i = 0; i < 200; ++i) {
    bench.hand(bench.raw.initiation());
    bench.world.run_for(5ms);
  }
  CHECK_EQ(bench.wire.entries().size(), 50);
  CHECK_EQ(bench.host.drops(DropReason::handshake_flood), 150);
}

TEST_CASE("a wall clock that was set back: our initiations count as replays until it has caught up") {
  Pair pair;
  REQUIRE(pair.talk());
  pair.a.clock().set_wall_ahead(-std::chrono::hours(1));
  CHECK(pair.talk());  // the session goes on
  pair.world.run_for(180s);
  pair.a.send_to(pair.b, text("waits"));
  pair.world.run_for(30s);
  CHECK_GT(pair.b.drops(DropReason::handshake_replayed), 3);
  CHECK_EQ(pair.b.received().size(), 2);
  pair.b.send_to(pair.a, text("the other direction is free"));
  CHECK(pair.world.run_until([&] { return pair.b.received().size() == 3; }, 6s));

  pair.world.run_for(200s);
  pair.a.clock().set_wall_ahead({});
  CHECK(pair.talk());
}

TEST_CASE("a wall clock that jumps ahead does no harm") {
  Pair pair;
  REQUIRE(pair.talk());
  pair.a.clock().set_wall_ahead(std::chrono::hours(24 * 365));
  pair.world.run_for(200s);
  CHECK(pair.talk());
}

TEST_CASE("low-order points are refused in initiations") {
  for (const PublicKey& point : low_order_points()) {
    Bench bench;
    bench.raw.posed_ephemeral = point;
    bench.hand(bench.raw.initiation());
    CHECK(bench.wire.entries().empty());
    CHECK_EQ(bench.host.drops(DropReason::handshake_rejected), 1);
  }
}

TEST_CASE("nobody can pose as a peer whose configured key is a low-order point, and nothing is sent to it") {
  for (const PublicKey& point : low_order_points()) {
    Bench bench;
    PeerChange change;
    change.public_key = point;
    change.endpoint = bench.where;
    change.allowed_ips = {{prefix("10.8.0.0/16")}};
    bench.host.configure(std::move(change));
    bench.raw.posed_static = point;
    bench.hand(bench.raw.initiation());
    bench.host.send(make_packet({.source = bench.host.inner(), .destination = ip("10.8.0.1")}));
    bench.world.run_for(200s);
    CHECK(bench.wire.entries().empty());
    CHECK_GE(bench.host.drops(DropReason::handshake_rejected), 2);
    CHECK_EQ(DeviceProbe::indices(bench.host.device()), 0);
  }
}

TEST_CASE("low-order points are refused in responses") {
  for (const PublicKey& point : low_order_points()) {
    Bench bench;
    bench.send_out();
    bench.raw.posed_ephemeral = point;
    const auto response = bench.raw.answer(bench.wire.last().bytes);
    REQUIRE(response);
    bench.hand(*response);
    CHECK_EQ(bench.wire.entries().size(), 1);
    CHECK_EQ(bench.host.drops(DropReason::handshake_rejected), 1);
    CHECK_EQ(bench.host.count(EventKind::handshake_completed), 0);
  }
}

TEST_CASE("a second implementation of the whitepaper works with ours, in both roles") {
  Bench bench;
  REQUIRE(bench.shake());
  bench.send_out();
  REQUIRE(bench.raw.open(bench.wire.last().bytes));
  bench.hand(bench.sealed(bench.packet("in")));
  CHECK_EQ(bench.host.received().size(), 1);

  bench.world.run_for(200s);
  bench.send_out();
  const auto response = bench.raw.answer(bench.wire.last().bytes);
  REQUIRE(response);
  bench.hand(*response);
  const auto opened = bench.raw.open(bench.wire.last().bytes);
  REQUIRE(opened);
  CHECK_EQ(payload_of(*opened)[0], 'o');
}

TEST_CASE("a forged response does not break the handshake that waits for the real one") {
  Bench bench;
  bench.send_out();
  Bytes response = bench.raw.answer(bench.wire.last().bytes).value();
  for (const std::size_t at : {12U, 44U}) {  // ephemeral, tag
    RawPeer forger(8, bench.host.public_key());
    Bytes forged = response;
    forged[at] ^= 1;
    const auto mac1 = crypto::blake2s_mac(crypto::blake2s(text("mac1----"), bench.host.public_key()),
                                          std::span(forged).first(response_size - 32));
    std::ranges::copy(mac1, forged.begin() + response_size - 32);
    bench.hand(forged);
  }
  CHECK_EQ(bench.host.drops(DropReason::handshake_rejected), 2);
  bench.hand(response);
  CHECK_EQ(bench.host.count(EventKind::handshake_completed), 1);
  bench.hand(response);  // and it works once
  CHECK_EQ(bench.host.count(EventKind::handshake_completed), 1);
}

TEST_CASE("indices are unique and look random") {
  Bench bench;
  std::set<std::uint32_t> indices;
  std::uint32_t and_all = ~0U;
  std::uint32_t or_all = 0;
  for (int i = 0; i < 200; ++i) {
    bench.hand(bench.raw.initiation());
    bench.world.run_for(50ms);
    const auto index = load_le<std::uint32_t>(bench.wire.last().bytes.data() + 4);
    CHECK(indices.insert(index).second);
    and_all &= index;
    or_all |= index;
  }
  CHECK_EQ(and_all, 0);
  CHECK_EQ(or_all, ~0U);
  CHECK_EQ(DeviceProbe::indices(bench.host.device()), 1);  // only the last waits for its confirmation
}
