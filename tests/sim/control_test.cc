// Changes at run time: peers and prefixes are added, moved and removed, keys change, while packets are in flight.

#include "wg4netns/core/control.h"
#include "shared/base/keys.h"
#include "shared/base/secret.h"
#include "tests/sim/pair.h"
#include "tests/support/device_probe.h"
#include "tests/support/packets.h"
#include "tests/support/sim_world.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/output.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

using namespace wg4;
using namespace wg4::test;

namespace {

PeerChange allowed(const SimHost& of, std::vector<AllowedIpChange> changes) {
  PeerChange change;
  change.public_key = of.public_key();
  change.allowed_ips = std::move(changes);
  return change;
}

PeerChange removal(const SimHost& of) {
  PeerChange change;
  change.public_key = of.public_key();
  change.remove = true;
  return change;
}

PrivateKey private_key(std::uint8_t fill) {
  PrivateKey key;
  std::ranges::fill(key.span(), fill);
  return key;
}

/// A hub with two spokes that both have sessions.
struct Hub {
  Hub() {
    for (SimHost* spoke : {&b, &c}) {
      SimWorld::connect(hub, *spoke);
      spoke->configure(allowed(hub, {{prefix("0.0.0.0/0")}, {prefix("::/0")}}));
      spoke->send_to(hub, text("hello"));
    }
    world.run_for(1s);
  }
  bool accepts(SimHost& from, const char* source) {
    const std::size_t before = hub.received().size();
    from.send(make_packet({.source = ip(source), .destination = ip("10.0.0.1")}));
    world.run_for(100ms);
    return hub.received().size() > before;
  }
  /// Where the hub sends a packet for this address.
  const SimHost* route(const char* destination) {
    wire.clear();
    hub.send(make_packet({.source = hub.inner(), .destination = ip(destination)}));
    if (wire.entries().empty()) return nullptr;
    return b.has(wire.last().to) ? &b : &c;
  }

  SimWorld world;
  SimHost& hub = world.add_host();
  SimHost& b = world.add_host();
  SimHost& c = world.add_host();
  Wire wire{world};
};

}  // namespace

TEST_CASE("nested prefixes: the longest decides which peer packets go to and may come from") {
  Hub net;
  net.hub.configure(allowed(net.b, {{prefix("10.5.0.0/16")}}));
  net.hub.configure(allowed(net.c, {{prefix("10.5.5.0/24")}}));
  CHECK_EQ(net.route("10.5.4.4"), &net.b);
  CHECK_EQ(net.route("10.5.5.5"), &net.c);
  CHECK(net.accepts(net.b, "10.5.4.4"));
  CHECK_FALSE(net.accepts(net.b, "10.5.5.5"));  // inside its own /16, but another peer's by the longer prefix
  CHECK(net.accepts(net.c, "10.5.5.5"));
  CHECK_FALSE(net.accepts(net.c, "10.5.4.4"));

  net.hub.configure(allowed(net.c, {{prefix("10.5.5.0/24"), true}}));
  CHECK_EQ(net.route("10.5.5.5"), &net.b);
  CHECK(net.accepts(net.b, "10.5.5.5"));
  CHECK_FALSE(net.accepts(net.c, "10.5.5.5"));
}

TEST_CASE("a prefix that another peer gets moves to it; only its owner can give it up") {
  Hub net;
  net.hub.configure(allowed(net.b, {{prefix("10.6.0.0/16")}}));
  net.hub.configure(allowed(net.c, {{prefix("10.6.0.0/16"), true}}));
  CHECK_EQ(net.route("10.6.0.1"), &net.b);
  net.hub.configure(allowed(net.c, {{prefix("10.6.77.77/16")}}));  // host bits do not matter
  CHECK_EQ(net.route("10.6.0.1"), &net.c);
  CHECK_FALSE(net.accepts(net.b, "10.6.0.1"));
  CHECK(net.accepts(net.c, "10.6.0.1"));

  PeerChange replace = allowed(net.c, {{prefix("10.7.0.0/16")}});
  replace.replace_allowed_ips = true;
  net.hub.configure(std::move(replace));
  CHECK_EQ(net.route("10.6.0.1"), nullptr);
  CHECK_EQ(net.route("10.7.0.1"), &net.c);
  CHECK_EQ(net.route("10.0.0.3"), nullptr);
  CHECK_FALSE(net.accepts(net.c, "10.0.0.3"));
}

TEST_CASE("a peer that is removed while its packets are in flight gets nothing through, and leaves no state") {
  Pair pair;
  REQUIRE(pair.talk());
  const std::size_t received = pair.b.received().size();
  for (int i = 0; i < 50; ++i) pair.a.send_to(pair.b, text("under way"));
  pair.b.send_to(pair.a, text("under way"));
  pair.b.configure(removal(pair.a));
  pair.world.run_for(1s);
  CHECK_EQ(pair.b.received().size(), received);
  CHECK_EQ(pair.b.drops(DropReason::unknown_index), 50);
  for (int i = 0; i < 10; ++i) {
    pair.a.send_to(pair.b, text("lost"));
    pair.world.run_for(30s);
  }
  CHECK_EQ(pair.b.received().size(), received);
  CHECK_GT(pair.b.drops(DropReason::handshake_rejected), 10);
  CHECK_EQ(DeviceProbe::indices(pair.b.device()), 0);
  CHECK_EQ(DeviceProbe::deadlines(pair.b.device()), 0);
  pair.b.send_to(pair.a, text("lost"));
  CHECK_EQ(pair.b.drops(DropReason::no_route), 1);

  pair.b.configure(pair.a.as_peer());  // and it can come back, with the same id
  CHECK_EQ(DeviceProbe::peer_places(pair.b.device()), 1);
  pair.world.run_for(6s);
  CHECK(pair.talk());
}

TEST_CASE("a peer may be removed in the middle of a handshake, on either side") {
  for (const bool initiator : {true, false}) {
    Pair pair;
    pair.a.send_to(pair.b, text("waits"));
    pair.world.run_for(initiator ? 15ms : 5ms);
    SimHost& host = initiator ? pair.a : pair.b;
    host.configure(removal(initiator ? pair.b : pair.a));
    pair.world.run_for(20s);
    CHECK_EQ(DeviceProbe::indices(host.device()), 0);
    if (initiator) CHECK_EQ(host.drops(DropReason::staged_purged), 1);
  }
}

TEST_CASE("update_only does not make a peer") {
  Pair pair;
  SimHost& stranger = pair.world.add_host();
  PeerChange change = stranger.as_peer();
  change.update_only = true;
  pair.a.configure(std::move(change));
  CHECK_EQ(pair.a.device().status().peers.size(), 1);
}

TEST_CASE("our own public key as a peer is ignored, and a peer whose key becomes ours is removed") {
  SimWorld world;
  SimHost& a = world.add_host();
  SimHost& b = world.add_host();
  a.configure(a.as_peer());
  CHECK(a.device().status().peers.empty());

  b.set_private_key(private_key(9));
  a.configure(b.as_peer());
  REQUIRE_EQ(a.device().status().peers.size(), 1);
  a.set_private_key(private_key(9));
  CHECK(a.device().status().peers.empty());
}

TEST_CASE("a new private key at run time: nothing more is sealed under the old one, and the new one works") {
  Pair pair;
  REQUIRE(pair.talk());
  const auto sealed_before = pair.world.nonces.keys();
  pair.a.set_private_key(private_key(3));
  pair.a.send_to(pair.b, text("waits"));
  pair.world.run_for(6s);
  CHECK_GT(pair.b.drops(DropReason::handshake_rejected), 0);
  // The old session still receives, as in the kernel: packets of the peer may be in flight.
  pair.b.send_to(pair.a, text("old session"));
  pair.world.run_for(1s);
  CHECK(std::ranges::equal(payload_of(pair.a.received().back()), text("old session")));

  DeviceChange change;
  change.replace_peers = true;
  change.peers.push_back(pair.a.as_peer());
  pair.b.configure(change);
  pair.world.run_for(6s);
  CHECK(pair.talk());
  for (const auto& [key, counter] : sealed_before) {
    const Secret<32> old{std::span<const std::uint8_t, 32>(key)};
    if (!DeviceProbe::current(pair.a.peer(pair.b)->keypairs)->send_key.equals(old))
      CHECK_LE(pair.world.nonces.keys().at(key), counter + 2);  // b's one packet, and no more
  }
}

TEST_CASE("setting the same private key again changes nothing") {
  Pair pair;
  pair.a.set_private_key(private_key(3));
  pair.b.configure(pair.a.as_peer());
  REQUIRE(pair.talk());
  pair.a.set_private_key(private_key(3));
  CHECK(pair.talk());
  CHECK_EQ(pair.a.count(EventKind::handshake_completed), 1);
}

TEST_CASE("peers that come and go a thousand times leave nothing behind") {
  Hub net;
  for (int round = 0; round < 1000; ++round) {
    net.hub.configure(removal(net.b));
    net.hub.configure(net.b.as_peer());
    if (round % 10 == 0) net.b.send_to(net.hub, text("hello"));
    net.world.run_for(20ms);
  }
  CHECK_EQ(DeviceProbe::peer_places(net.hub.device()), 2);
  CHECK_EQ(DeviceProbe::indices(net.hub.device()), DeviceProbe::indices_in_use(net.hub.device()));
  CHECK_LE(DeviceProbe::deadlines(net.hub.device()), 2);
  CHECK_EQ(net.hub.device().status().peers.size(), 2);
}
