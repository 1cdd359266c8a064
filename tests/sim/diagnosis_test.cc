// Each fault that keeps peers apart, caused between real devices: what both of them find, and that they find nothing as
// long as nothing is wrong.

#include "shared/base/keys.h"
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
#include "wg4netns/core/messages.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/time.h"
#include "wg4netns/diagnosis/finding.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

using namespace wg4;
using namespace wg4::test;

namespace {

Finding finding(SimHost& host, const SimHost& other) {
  return find(gather(host.device(), *host.peer(other), host.now()));
}

/// The simulation begins before this program was made.
struct Today : Pair {
  explicit Today(std::uint64_t seed = 1) : Pair(Family::v4, seed) {
    for (SimHost* host : {&a, &b}) host->clock().set_wall_ahead(std::chrono::years(4));
  }
  /// `from` sends a packet again and again.
  void insist(SimHost& from, SimHost& to, Duration span = 22s) {
    stream(from, to, static_cast<std::size_t>(span / 1s), 1s);
  }
};

PeerChange with_key(const PresharedKey& key, PeerChange change) {
  change.preshared_key = key.clone();
  return change;
}

PublicKey key_of(std::uint8_t byte) {
  PublicKey key;
  key.fill(byte);
  return key;
}

}  // namespace

TEST_CASE("silence is a finding only after three initiations, and until there is a session") {
  Today pair;
  pair.cut();
  pair.insist(pair.a, pair.b, 10s);
  CHECK_EQ(finding(pair.a, pair.b), Finding::none);
  pair.insist(pair.a, pair.b, 10s);
  CHECK_EQ(finding(pair.a, pair.b), Finding::no_answer);
  pair.mend();
  pair.insist(pair.a, pair.b);
  CHECK_EQ(finding(pair.a, pair.b), Finding::none);
  CHECK_EQ(finding(pair.b, pair.a), Finding::none);
}

TEST_CASE("different preshared keys, seen from both sides") {
  Today pair;
  PresharedKey key;
  key.span()[0] = 1;
  pair.a.configure(with_key(key, pair.b.as_peer()));
  pair.insist(pair.a, pair.b);
  CHECK_EQ(finding(pair.a, pair.b), Finding::wrong_preshared_key);
  CHECK_EQ(finding(pair.b, pair.a), Finding::answer_not_taken);
}

TEST_CASE("a wrong public key is found if the other side initiates, too, and is silence otherwise") {
  for (const bool calls : {false, true}) {
    Today pair;
    PeerChange wrong = pair.b.as_peer();
    wrong.public_key = key_of(9);
    DeviceChange only;
    only.replace_peers = true;
    only.peers.push_back(std::move(wrong));
    pair.a.configure(only);
    for (int second = 0; second < 22; ++second) {
      pair.a.send_to(pair.b, text("a"));
      if (calls) pair.b.send_to(pair.a, text("b"));
      pair.world.run_for(1s);
    }
    const Peer* peer = DeviceProbe::peer(pair.a.device(), key_of(9));
    REQUIRE(peer != nullptr);
    const Evidence evidence = gather(pair.a.device(), *peer, pair.a.now());
    CHECK_EQ(find(evidence), calls ? Finding::wrong_peer_key : Finding::no_answer);
    if (!calls) continue;
    CHECK(evidence.unknown_key == pair.b.public_key());
    CHECK_EQ(finding(pair.b, pair.a), Finding::wrong_own_key);
  }
}

TEST_CASE("a clock that went back, seen from both sides") {
  Today pair;
  REQUIRE(pair.talk());
  pair.a.clock().set_wall_ahead(pair.a.clock().wall_ahead() - std::chrono::days(1));
  pair.world.run_for(200s);
  pair.insist(pair.a, pair.b);
  CHECK_EQ(finding(pair.a, pair.b), Finding::clock_behind);
  CHECK_EQ(finding(pair.b, pair.a), Finding::peer_clock_behind);
  pair.a.clock().set_wall_ahead(pair.a.clock().wall_ahead() + std::chrono::days(1));
  pair.insist(pair.a, pair.b);
  CHECK_EQ(finding(pair.a, pair.b), Finding::none);
  CHECK_EQ(finding(pair.b, pair.a), Finding::none);
}

TEST_CASE("a peer that only ever asks for cookies") {
  Bench bench;
  bench.host.clock().set_wall_ahead(std::chrono::years(4));
  CookieChecker checker;
  checker.set_identity(bench.raw.public_key());
  SeededEntropy entropy(5);
  for (int second = 0; second < 22; ++second) {
    bench.send_out();
    bench.world.run_for(1s);
    for (const Wire::Entry& entry : bench.wire.sent(MessageType::initiation, bench.host)) {
      Bytes reply(cookie_reply_size);
      checker.make_reply(entry.datagram.bytes, bench.host.address(), bench.host.now().boot, entropy,
                         std::span(reply).first<cookie_reply_size>());
      bench.hand(reply);
    }
    bench.wire.clear();
  }
  const Peer* peer = DeviceProbe::peer(bench.host.device(), bench.raw.public_key());
  CHECK_EQ(find(gather(bench.host.device(), *peer, bench.host.now())), Finding::under_load);
}

TEST_CASE("two devices with the same key take the session from each other") {
  Today pair;
  SimHost& other = pair.world.add_host();
  other.clock().set_wall_ahead(std::chrono::years(4));
  other.set_private_key(pair.a.device().status().private_key.clone());
  other.configure(pair.b.as_peer());
  bool thief_found = false;
  bool theft_found = false;
  for (int second = 0; second < 180; ++second) {
    for (SimHost* from : {&pair.a, &other}) {
      from->send_to(pair.b, text("mine"));
      pair.world.run_for(300ms);
      pair.b.send_to(pair.a, text("answer"));
      pair.world.run_for(200ms);
    }
    thief_found |= finding(pair.b, pair.a) == Finding::peer_key_shared;
    theft_found |= finding(pair.a, pair.b) == Finding::key_in_use_elsewhere;
  }
  CHECK(thief_found);
  CHECK(theft_found);
}

TEST_CASE("data that the other side does not accept") {
  Today pair;
  PeerChange closed = pair.a.as_peer();
  closed.replace_allowed_ips = true;
  closed.allowed_ips.clear();
  pair.b.configure(std::move(closed));
  pair.insist(pair.a, pair.b, 60s);
  CHECK_EQ(finding(pair.a, pair.b), Finding::no_data);
  CHECK_EQ(pair.b.drops(DropReason::inner_source), 60);
}

TEST_CASE("handshakes arrive and data does not") {
  Today pair;
  pair.world.net.passes = [](const Datagram& datagram) { return type_of(datagram) != MessageType::data; };
  pair.insist(pair.a, pair.b, 50s);
  CHECK_EQ(finding(pair.a, pair.b), Finding::no_packets);
  pair.mend();
  REQUIRE(pair.talk());
  CHECK_EQ(finding(pair.a, pair.b), Finding::none);
}

TEST_CASE("nothing is found while nothing is wrong: loss, roaming, suspend, pauses") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Today pair(seed);
    pair.world.net.faults.loss_percent = 10;
    pair.world.net.faults.duplicate_percent = 10;
    pair.world.net.faults.reorder_percent = 10;
    for (int minute = 0; minute < 60; ++minute) {
      for (int second = 0; second < 20; ++second) {
        pair.a.send_to(pair.b, text("ping"));
        pair.world.run_for(500ms);
        pair.b.send_to(pair.a, text("pong"));
        pair.world.run_for(500ms);
      }
      INFO("seed ", seed, ", minute ", minute);
      CHECK_EQ(finding(pair.a, pair.b), Finding::none);
      CHECK_EQ(finding(pair.b, pair.a), Finding::none);
      if (minute % 7 == 3) {
        pair.a.suspend_for(300s);
        pair.world.run_for(300s);
      }
      const auto last = static_cast<std::uint8_t>(minute % 3 + 1);
      if (minute % 5 == 2)
        pair.a.move_to(endpoint("198.51.100." + std::to_string(last) + ":5"), endpoint("[2001:db8:9::1]:5"));
      pair.world.run_for(minute % 2 == 0 ? 40s : 400s);
    }
  }
}
