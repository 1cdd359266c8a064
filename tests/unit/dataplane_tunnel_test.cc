// Whole tunnels, with a device and a cipher, between edges that are in memory.

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <memory_resource>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "shared/net/ip_address.h"
#include "tests/support/fake_edges.h"
#include "tests/support/offload_runs.h"
#include "tests/support/packets.h"
#include "tests/support/seeded_entropy.h"
#include "tests/support/segments.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/edge_drops.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/startup.h"
#include "wg4netns/dataplane/basic_tunnel.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/offload/virtio_net_header.h"

using namespace wg4;
using namespace wg4::test;
using namespace std::chrono_literals;

namespace {

using FakeTunnel = BasicTunnel<FakeTun, FakeUdp>;

constexpr Now now{Instant{1h}, WallTime{std::chrono::sys_days{std::chrono::year{2025} / 1 / 1}}};

/// A device with its tunnel, and what both are between. It routes everything to its one peer.
struct End {
  End(std::uint64_t seed, std::string_view address, std::size_t queues = 1) : tun(queues), entropy(seed) {
    wire.address = endpoint(address);
    DeviceChange change;
    change.private_key.emplace();
    entropy.fill(change.private_key->span());
    apply(change);
    device.hold().set_mtu(1420);
    device.hold()->bring_up(now, *tunnel);
  }

  void apply(const DeviceChange& change) { REQUIRE(device.hold()->apply(change, now, *tunnel)); }
  void know(End& other) {
    DeviceChange change;
    PeerChange& peer = change.peers.emplace_back();
    peer.public_key = other.device.hold()->public_key();
    peer.endpoint = other.wire.address;
    peer.allowed_ips = {{prefix("0.0.0.0/0")}};
    apply(change);
  }
  /// As a turn of the program's loop that found everything ready. False when the inner edge is gone.
  bool turn() {
    for (std::size_t queue = 0; queue < tun.queues(); ++queue) tunnel->queue_ready(queue);
    tunnel->pump_inbound(Family::v4, now);
    const bool goes_on = tunnel->pump_outbound(now);
    device.hold()->handshake_work(max_handshakes_per_turn, now, *tunnel);
    tunnel->flush();
    return goes_on;
  }

  FakeTun tun;
  FakeWire wire;
  SeededEntropy entropy;
  std::unique_ptr<crypto::Aead> aead = crypto::make_sodium_aead();
  SharedDevice device{*aead, entropy, *std::pmr::new_delete_resource()};
  // It is large.
  std::unique_ptr<FakeTunnel> tunnel =
      std::make_unique<FakeTunnel>(FakeTunnel::Common{.device = device,
                                                      .inner = tun,
                                                      .gateway = nullptr,
                                                      .order = nullptr,
                                                      .taps = nullptr,
                                                      .secrets = *std::pmr::new_delete_resource()},
                                   *aead, QueueShare{}, FakeUdp(wire));
};

/// Two ends back to back, with a session.
struct Chain {
  explicit Chain(std::size_t queues = 1) : a(1, "192.0.2.1:51820", queues) {
    a.know(b);
    b.know(a);
    a.tun.put(frame("wakes the tunnel up"));
    settle();
    REQUIRE(b.tun.take().size() == 1);
  }

  /// Until nothing more is under way.
  void settle() {
    for (int i = 0; i < 8; ++i) {
      REQUIRE(a.turn());
      carry(a.wire, b.wire);
      REQUIRE(b.turn());
      carry(b.wire, a.wire);
    }
  }
  /// From a's namespace to b's.
  static Bytes packet(std::string_view payload) {
    return make_packet(
        {.source = ip("10.0.0.1"), .destination = ip("10.0.0.2"), .payload = {payload.begin(), payload.end()}});
  }
  static Bytes frame(std::string_view payload) {
    Bytes bytes(offload::virtio_net_header_size);
    std::ranges::copy(packet(payload), std::back_inserter(bytes));
    return bytes;
  }

  bool sodium = crypto::start_up();
  End a;
  End b{2, "192.0.2.2:51820"};
};

bool holds(const Bytes& bytes, std::string_view text) { return !std::ranges::search(bytes, text).empty(); }

}  // namespace

TEST_CASE("what one namespace sends comes out in the other, and is sealed in between") {
  Chain chain;
  chain.a.tun.put(Chain::frame("for b alone"));
  REQUIRE(chain.a.turn());
  REQUIRE(chain.a.wire.sent.size() == 1);
  const FakeWire::Run& run = chain.a.wire.sent.front();
  CHECK(classify(run.bytes) == MessageType::data);
  CHECK(run.run.path.remote == chain.b.wire.address);
  CHECK_FALSE(holds(run.bytes, "for b alone"));

  chain.settle();
  const std::vector<Bytes> taken = chain.b.tun.take();
  REQUIRE(taken.size() == 1);
  CHECK(packet_of(taken.front()) == Chain::packet("for b alone"));
  CHECK(chain.a.tun.take().empty());
}

TEST_CASE("a datagram that was changed on the way does not come out") {
  Chain chain;
  chain.a.tun.put(Chain::frame("for b alone"));
  REQUIRE(chain.a.turn());
  chain.a.wire.sent.front().bytes.back() ^= 1;
  chain.settle();
  CHECK(chain.b.tun.take().empty());
  CHECK(chain.b.device.hold()->drops()[DropReason::bad_tag] == 1);
}

TEST_CASE("a super-packet is one run outside, and one super-packet again") {
  Chain chain;
  constexpr std::size_t segment = 1360;
  constexpr std::size_t segments = 40;
  const SegmentSpec spec{.payload = pattern(segment * segments)};
  chain.a.tun.put(make_super_frame(spec, segment));
  REQUIRE(chain.a.turn());
  REQUIRE(chain.a.wire.sent.size() == 1);
  const SendRun& run = chain.a.wire.sent.front().run;
  CHECK(run.size == segments * run.segment_size);

  chain.settle();
  const std::vector<Bytes> taken = chain.b.tun.take();
  REQUIRE(taken.size() == 1);
  CHECK(taken.front().size() == offload::virtio_net_header_size + spec.headers() + spec.payload.size());
  CHECK(std::ranges::equal(ByteView(taken.front()).last(spec.payload.size()), spec.payload));
}

TEST_CASE("queues that are ready are read in turn") {
  Chain chain(2);
  for (const std::string_view payload : {"first 1", "first 2", "first 3"}) chain.a.tun.put(Chain::frame(payload), 0);
  for (const std::string_view payload : {"second 1", "second 2"}) chain.a.tun.put(Chain::frame(payload), 1);
  chain.settle();
  const std::vector<Bytes> taken = chain.b.tun.take();
  REQUIRE(taken.size() == 5);
  const bool begins_with_first = holds(taken[0], "first");
  for (std::size_t i = 0; i < 4; ++i) CHECK(holds(taken[i], "first") == ((i % 2 == 0) == begins_with_first));
  CHECK(holds(taken[4], "first 3"));
}

TEST_CASE("while the outer edge is full the inner one is not read, and afterwards nothing is missing") {
  Chain chain;
  chain.a.wire.is_full = true;
  chain.a.tun.put(Chain::frame("was read before"));
  REQUIRE(chain.a.turn());
  CHECK(chain.a.tunnel->backlogged());
  chain.a.tun.put(Chain::frame("waits"));
  for (int i = 0; i < 3; ++i) REQUIRE(chain.a.turn());
  CHECK(chain.a.tun.waiting() == 1);
  CHECK(chain.a.wire.sent.empty());

  chain.a.wire.is_full = false;
  chain.settle();
  CHECK_FALSE(chain.a.tunnel->backlogged());
  CHECK(chain.a.tun.waiting() == 0);
  const std::vector<Bytes> taken = chain.b.tun.take();
  REQUIRE(taken.size() == 2);
  CHECK(packet_of(taken[0]) == Chain::packet("was read before"));
  CHECK(packet_of(taken[1]) == Chain::packet("waits"));
}

TEST_CASE("a source address that has gone away is not used again") {
  Chain chain;
  // b has heard from a, so it answers from where it was talked to.
  const auto sent_by_b = [&] {
    chain.b.tun.put(Chain::frame("answer"));
    REQUIRE(chain.b.turn());
    REQUIRE(chain.b.wire.sent.size() == 1);
    return std::exchange(chain.b.wire.sent, {}).front().run;
  };
  const SendRun before = sent_by_b();
  REQUIRE(before.path.local == chain.b.wire.address.address);
  chain.b.wire.bad_sources.push_back(before.peer);
  chain.b.tunnel->flush();
  CHECK(chain.b.wire.bad_sources.empty());
  CHECK_FALSE(sent_by_b().path.has_source());
}

TEST_CASE("what became of datagrams and frames reaches those who ask") {
  Chain chain;
  chain.a.wire.failures.push_back({.to = chain.b.wire.address, .error = ECONNREFUSED, .reported_by = {}});
  chain.a.wire.counters = {.send_errors = 2, .overflow = 3};
  chain.a.tunnel->flush();
  const auto failures = chain.a.device.hold().take_failures();
  REQUIRE(failures.size() == 1);
  CHECK(failures.front().error == ECONNREFUSED);

  chain.b.tun.is_full = true;
  chain.a.tun.put(Chain::frame("nobody takes it"));
  chain.a.tun.put(Bytes(offload::virtio_net_header_size - 1));  // less than a header
  chain.settle();
  const EdgeDrops at_a{.tun_malformed = 1, .tun_refused = 0, .udp_refused = 2, .udp_overflow = 3};
  CHECK(chain.a.device.hold().edge_drops() == at_a);
  const EdgeDrops at_b{.tun_malformed = 0, .tun_refused = 1, .udp_refused = 0, .udp_overflow = 0};
  CHECK(chain.b.device.hold().edge_drops() == at_b);
}

TEST_CASE("the end of the inner edge is told") {
  Chain chain;
  chain.a.tun.is_gone = true;
  CHECK_FALSE(chain.a.turn());
}
