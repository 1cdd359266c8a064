// The outside of datagrams: roaming, source addresses, TOS, ECN, padding.

#include "shared/base/bytes.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "tests/sim/pair.h"
#include "tests/support/device_probe.h"
#include "tests/support/packets.h"
#include "tests/support/seeded_entropy.h"
#include "tests/support/sim_net.h"
#include "tests/support/sim_world.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/cookie.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/inner_packet.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/output.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace wg4;
using namespace wg4::test;

namespace {

const Endpoint elsewhere = endpoint("203.0.113.5:777");
const Endpoint elsewhere_v6 = endpoint("[2001:db8:5::5]:777");

}  // namespace

TEST_CASE("the endpoint follows authenticated data, keepalives and handshakes, from IPv4 to IPv6 and back") {
  Bench bench;
  REQUIRE(bench.shake());
  bench.hand_from(elsewhere, bench.sealed(bench.packet()));
  CHECK_EQ(bench.path(), elsewhere);
  bench.hand_from(elsewhere_v6, bench.sealed({}));
  CHECK_EQ(bench.path(), elsewhere_v6);
  bench.world.run_for(1s);
  bench.hand_from(elsewhere, bench.raw.initiation());
  CHECK_EQ(bench.path(), elsewhere);
  CHECK_EQ(bench.wire.last().to, elsewhere);  // the response, too

  bench.world.run_for(200s);
  bench.send_out();
  const auto response = bench.raw.answer(bench.wire.last().bytes);
  bench.hand_from(elsewhere_v6, response.value());
  CHECK_EQ(bench.path(), elsewhere_v6);
  CHECK_EQ(bench.wire.last().to, elsewhere_v6);
  CHECK_EQ(bench.host.count(EventKind::roamed), 4);
}

TEST_CASE("the endpoint does not follow unauthenticated datagrams") {
  Bench bench;
  const Bytes initiation = bench.raw.initiation();
  bench.hand(initiation);
  REQUIRE(bench.raw.finish(bench.wire.last().bytes));
  const Bytes first = bench.raw.seal(0, {});
  bench.hand(first);
  const auto expect_still = [&](const Bytes& datagram) {
    bench.hand_from(elsewhere, datagram);
    CHECK_EQ(bench.path(), bench.where);
  };
  expect_still(first);       // a replay
  expect_still(initiation);  // of a handshake message
  Bytes forged = bench.raw.seal(5, bench.packet());
  forged.back() ^= 1;
  expect_still(forged);
  Bytes other_session = bench.raw.seal(6, bench.packet());
  other_session[4] ^= 1;
  expect_still(other_session);
  CHECK_EQ(bench.host.drops(DropReason::bad_tag), 1);
  CHECK_EQ(bench.host.drops(DropReason::unknown_index), 1);
}

TEST_CASE("the endpoint does not follow a cookie reply, though that is used") {
  Pair pair;
  pair.world.net.passes = [&](const Datagram& datagram) { return !pair.a.has(datagram.from); };
  pair.a.send_to(pair.b, text("waits"));
  const auto initiation = pair.wire.sent(MessageType::initiation, pair.a).front().datagram;
  CookieChecker checker;
  checker.set_identity(pair.b.public_key());
  SeededEntropy entropy(3);
  Bytes reply(cookie_reply_size);
  checker.make_reply(initiation.bytes, pair.a.address(), pair.a.now().boot, entropy,
                     ByteSpan(reply).first<cookie_reply_size>());
  pair.a.receive({elsewhere, pair.a.address(), 0, reply});
  pair.a.turn();
  CHECK(pair.a.status_of(pair.b).endpoint == pair.b.address());
  pair.world.run_for(6s);
  const auto retried = pair.wire.sent(MessageType::initiation, pair.a);
  REQUIRE_EQ(retried.size(), 2);
  CHECK(checker.check_mac2(retried[1].datagram.bytes, pair.a.address(), pair.a.now().boot, entropy));
}

TEST_CASE("a moving peer loses no packet that it sends") {
  Pair pair;
  REQUIRE(pair.talk());
  for (int i = 0; i < 50; ++i) {
    pair.a.move_to({ip("203.0.113." + std::to_string(i)), 4000}, {ip("2001:db8:7::" + std::to_string(i)), 4000});
    REQUIRE(pair.talk());
    CHECK(pair.b.status_of(pair.a).endpoint == pair.a.address());
  }
}

TEST_CASE("replies come from the address that the peer sends to, until that address is gone") {
  Bench bench;
  bench.raw.wall += 1s;
  const auto local = [&] { return DeviceProbe::peer(bench.host.device(), bench.raw.public_key())->path->local; };
  CHECK(local().is_unspecified());
  REQUIRE(bench.shake());
  CHECK(local() == bench.host.address().address);

  bench.host.move_to(endpoint("192.0.2.200:51820"), bench.host.address(Family::v6));
  bench.send_out();  // the socket refuses the old source, and reports that to the device
  CHECK(local().is_unspecified());
  bench.hand(bench.sealed(bench.packet()));
  CHECK(local() == bench.host.address().address);
}

TEST_CASE("when the peer falls silent, the source address is chosen again") {
  Pair pair;
  REQUIRE(pair.talk());
  REQUIRE_FALSE(pair.a.peer(pair.b)->path->local.is_unspecified());
  pair.cut();
  pair.a.send_to(pair.b, text("lost"));
  pair.world.run_for(16s);
  CHECK(pair.a.peer(pair.b)->path->local.is_unspecified());
}

TEST_CASE("two peers, one on IPv4 and one on IPv6, that swap families all the time, are never mixed up") {
  SimWorld world;
  SimHost& hub = world.add_host();
  std::vector<SimHost*> spokes;
  for (int i = 0; i < 6; ++i) {
    spokes.push_back(&world.add_host());
    SimWorld::connect(hub, *spokes.back(), i % 2 == 0 ? Family::v4 : Family::v6);
    spokes.back()->send_to(hub, text("hello"));
  }
  world.run_for(1s);
  for (int round = 0; round < 20; ++round) {
    for (std::size_t i = 0; i < spokes.size(); ++i) {
      PeerChange change;
      change.public_key = hub.public_key();
      change.endpoint = hub.address((static_cast<std::size_t>(round) + i) % 2 == 0 ? Family::v4 : Family::v6);
      spokes[i]->configure(std::move(change));
      spokes[i]->send_to(hub, text("moved"));
    }
    world.run_for(100ms);
    for (SimHost* spoke : spokes) hub.send_to(*spoke, text("reply"));
    world.run_for(100ms);
  }
  CHECK_EQ(hub.received().size(), 6 * 21);
  for (SimHost* spoke : spokes) CHECK_EQ(spoke->received().size(), 20);
}

TEST_CASE("nothing is sent to a peer without an endpoint until it has sent something") {
  Pair pair;
  DeviceChange change;
  change.replace_peers = true;
  change.peers.push_back(pair.b.as_peer());
  change.peers[0].endpoint.reset();
  pair.a.configure(change);
  pair.a.send_to(pair.b, text("lost"));
  pair.world.run_for(10s);
  CHECK(pair.wire.entries().empty());
  CHECK_EQ(pair.a.drops(DropReason::no_endpoint), 1);
  pair.b.send_to(pair.a, text("hello"));
  pair.world.run_for(1s);
  CHECK(pair.talk());
}

TEST_CASE("handshake messages carry TOS 0x88, data and cookie replies carry none") {
  Pair pair;
  REQUIRE(pair.talk());
  for (const auto& entry : pair.wire.entries()) {
    const bool data = type_of(entry.datagram) == MessageType::data;
    CHECK_EQ(entry.datagram.tos, data ? 0 : 0x88);
  }
}

TEST_CASE("ECN encapsulation: the outer header gets the inner bits, but never CE") {
  Pair pair;
  REQUIRE(pair.talk());
  for (const Family inner : {Family::v4, Family::v6}) {
    for (const Ecn ecn : {Ecn::not_ect, Ecn::ect0, Ecn::ect1, Ecn::ce}) {
      pair.a.send_to(pair.b, text("ecn"), inner, ecn);
      CHECK_EQ(pair.wire.last().tos, static_cast<int>(ecn == Ecn::ce ? Ecn::ect0 : ecn));
      pair.world.run_for(1s);
      CHECK(ecn_of(pair.b.received().back()) == ecn);
    }
  }
}

TEST_CASE("ECN decapsulation: as in RFC 6040, figure 4, with correct checksums") {
  struct Row {
    Ecn inner;
    Ecn outer;
    Ecn delivered;
  };
  constexpr std::array rows = {
      Row{Ecn::not_ect, Ecn::not_ect, Ecn::not_ect},
      Row{Ecn::not_ect, Ecn::ect0, Ecn::not_ect},
      Row{Ecn::not_ect, Ecn::ect1, Ecn::not_ect},
      Row{Ecn::not_ect, Ecn::ce, Ecn::not_ect},  // as Linux: not dropped
      Row{Ecn::ect0, Ecn::not_ect, Ecn::ect0},
      Row{Ecn::ect0, Ecn::ect0, Ecn::ect0},
      Row{Ecn::ect0, Ecn::ect1, Ecn::ect1},
      Row{Ecn::ect0, Ecn::ce, Ecn::ce},
      Row{Ecn::ect1, Ecn::not_ect, Ecn::ect1},
      Row{Ecn::ect1, Ecn::ect0, Ecn::ect1},
      Row{Ecn::ect1, Ecn::ect1, Ecn::ect1},
      Row{Ecn::ect1, Ecn::ce, Ecn::ce},
      Row{Ecn::ce, Ecn::not_ect, Ecn::ce},
      Row{Ecn::ce, Ecn::ect0, Ecn::ce},
      Row{Ecn::ce, Ecn::ect1, Ecn::ce},
      Row{Ecn::ce, Ecn::ce, Ecn::ce},
  };
  Bench bench;
  REQUIRE(bench.shake());
  for (const Row& row : rows) {
    for (const bool v4 : {true, false}) {
      const Bytes packet = make_packet({.source = v4 ? ip("10.9.0.1") : ip("fd09::1"),
                                        .destination = bench.host.inner(v4 ? Family::v4 : Family::v6),
                                        .ecn = row.inner,
                                        .payload = text("ecn")});
      bench.hand_from(bench.where, bench.sealed(packet), static_cast<std::uint8_t>(row.outer));
      const Bytes& delivered = bench.host.received().back();
      CAPTURE(static_cast<int>(row.inner));
      CAPTURE(static_cast<int>(row.outer));
      CHECK(ecn_of(delivered) == row.delivered);
      CHECK(checksums_valid(delivered));
      CHECK(std::ranges::equal(payload_of(delivered), text("ecn")));
    }
  }
}

TEST_CASE("packets are padded with zeros to a multiple of 16, but never past the MTU") {
  for (const std::size_t mtu : {1280U, 1420U, 1421U, 9000U}) {
    Bench bench;
    bench.host.device().set_mtu(mtu);
    REQUIRE(bench.shake());
    for (std::size_t size = 28; size <= mtu; size += size < mtu - 40 ? 13 : 1) {
      bench.host.send(make_packet_of(size, bench.host.inner(), ip("10.9.0.1")));
      const auto opened = bench.raw.open(bench.wire.last().bytes);
      REQUIRE(opened);
      CHECK_EQ(opened->size(), std::min((size + 15) / 16 * 16, mtu));
      CHECK(std::ranges::all_of(std::span(*opened).subspan(size), [](std::uint8_t byte) { return byte == 0; }));
    }
  }
}

TEST_CASE("a packet that exceeds the MTU is still sent whole, and one that fits no datagram is dropped") {
  Bench bench;
  bench.host.device().set_mtu(1420);
  REQUIRE(bench.shake());
  bench.wire.clear();
  for (const std::size_t size : {1421U, 3000U, 60000U, 65450U}) {
    const Bytes packet = make_packet_of(size, bench.host.inner(), ip("10.9.0.1"));
    bench.host.send(packet);
    CHECK_LE(bench.wire.last().bytes.size(), max_datagram_size);
    const auto opened = bench.raw.open(bench.wire.last().bytes);
    REQUIRE(opened);
    CHECK(std::ranges::equal(std::span(*opened).first(size), packet));
  }
  CHECK_EQ(bench.wire.entries().size(), 4);
  bench.hand(bench.sealed({}));  // all is answered
  bench.wire.clear();
  bench.host.send(make_packet_of(65535, bench.host.inner(), ip("10.9.0.1")));
  CHECK_EQ(bench.host.drops(DropReason::packet_too_big), 1);
  bench.world.run_for(30s);
  CHECK(bench.wire.entries().empty());  // no answer is expected to a packet that was not sent
}

TEST_CASE("a packet that fits no datagram is dropped at any place among others, also among staged packets") {
  for (const bool waits : {false, true}) {
    Bench bench;
    if (!waits) REQUIRE(bench.shake());
    bench.wire.clear();
    const auto packet = [&](std::size_t size) { return make_packet_of(size, bench.host.inner(), ip("10.9.0.1")); };
    bench.host.send(std::vector{packet(100), packet(65535), packet(200), packet(65476), packet(65450), packet(300)});
    if (waits) bench.hand(bench.raw.answer(bench.wire.last().bytes).value());
    const auto sent = bench.wire.sent(MessageType::data, bench.host);
    CHECK_EQ(sent.size(), 4);
    for (const Wire::Entry& each : sent) CHECK_LE(each.datagram.bytes.size(), max_datagram_size);
    CHECK_EQ(bench.host.drops(DropReason::packet_too_big), 2);
  }
}

TEST_CASE("packets that are read at once are sent in runs of equal datagrams, the last may be shorter") {
  Pair pair;
  REQUIRE(pair.talk());
  std::vector<Bytes> packets;
  for (int i = 0; i < 150; ++i) packets.push_back(make_packet_of(1420, pair.a.inner(), pair.b.inner()));
  packets.push_back(make_packet_of(700, pair.a.inner(), pair.b.inner()));
  packets.push_back(make_packet_of(900, pair.a.inner(), pair.b.inner()));
  packets.push_back(make_packet_of(20 + 8, pair.a.inner(), pair.b.inner()));
  const std::size_t before = pair.b.received().size();
  pair.a.send(packets);
  pair.world.run_for(1s);
  CHECK(std::ranges::equal(std::span(pair.b.received()).subspan(before), packets));
}
