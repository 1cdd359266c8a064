#pragma once
// The start of most scenarios: two hosts that are peers, or one host and a peer that the test drives.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "tests/support/device_probe.h"
#include "tests/support/packets.h"
#include "tests/support/raw_peer.h"
#include "tests/support/sim_net.h"
#include "tests/support/sim_world.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/inner_packet.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"

namespace wg4::test {

inline Bytes text(std::string_view characters) { return {characters.begin(), characters.end()}; }

inline std::optional<MessageType> type_of(const Datagram& datagram) { return classify(datagram.bytes); }

/// Records the datagrams that hosts sent, with the time.
class Wire {
 public:
  struct Entry {
    Duration at;
    Datagram datagram;
  };

  explicit Wire(SimWorld& world) {
    world.net.tap = [this, &world](const Datagram& datagram) { entries_.push_back({world.now(), datagram}); };
  }

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] const Datagram& last() const { return entries_.back().datagram; }
  /// Of one type, from one host.
  [[nodiscard]] std::vector<Entry> sent(MessageType type, const SimHost& from) const {
    std::vector<Entry> found;
    std::ranges::copy_if(entries_, std::back_inserter(found), [&](const Entry& entry) {
      return type_of(entry.datagram) == type && from.has(entry.datagram.from);
    });
    return found;
  }
  [[nodiscard]] std::size_t initiations(const SimHost& from) const {
    return sent(MessageType::initiation, from).size();
  }
  [[nodiscard]] std::size_t keepalives(const SimHost& from) const {
    const auto data = sent(MessageType::data, from);
    return static_cast<std::size_t>(
        std::ranges::count(data, data_overhead, [](const Entry& entry) { return entry.datagram.bytes.size(); }));
  }
  void clear() { entries_.clear(); }

 private:
  std::vector<Entry> entries_;
};

struct Pair {
  explicit Pair(Family outer = Family::v4, std::uint64_t seed = 1) : world(seed) { SimWorld::connect(a, b, outer); }

  /// A packet each way, in the tunnel, arrives within a second.
  bool talk(Family inner = Family::v4) {
    const std::size_t before_a = a.received().size();
    const std::size_t before_b = b.received().size();
    a.send_to(b, text("ping"), inner);
    world.run_for(1s);
    b.send_to(a, text("pong"), inner);
    world.run_for(1s);
    return a.received().size() == before_a + 1 && b.received().size() == before_b + 1;
  }
  /// `from` sends a packet each `gap`; returns how many of them arrived.
  std::size_t stream(SimHost& from, SimHost& to, std::size_t packets, Duration gap) {
    const std::size_t before = to.received().size();
    for (std::size_t i = 0; i < packets; ++i) {
      from.send_to(to, text("stream"));
      world.run_for(gap);
    }
    return to.received().size() - before;
  }
  void cut() {
    world.net.passes = [](const Datagram&) { return false; };
  }
  void mend() { world.net.passes = nullptr; }

  SimWorld world;
  SimHost& a = world.add_host();
  SimHost& b = world.add_host();
  Wire wire{world};
};

/// A host and a RawPeer, which is at 198.51.100.9:9 and owns 10.9.0.0/16 and fd09::/16 inside.
struct Bench {
  explicit Bench(std::pmr::memory_resource& secrets = *std::pmr::new_delete_resource())
      : host(world.add_host(secrets)) {
    PeerChange change;
    change.public_key = raw.public_key();
    change.endpoint = where;
    change.allowed_ips = {{prefix("10.9.0.0/16")}, {prefix("fd09::/16")}};
    host.configure(std::move(change));
  }

  /// The host receives `bytes`, and does everything that follows.
  void hand(const Bytes& bytes) { hand_from(where, bytes); }
  void hand_from(const Endpoint& from, const Bytes& bytes, std::uint8_t tos = 0) {
    host.receive({from, host.address(from.address.family()), tos, bytes});
    host.turn();
  }
  /// The host reads this run, cut at `segment_size`, and does nothing else.
  void receive(Bytes& bytes, std::size_t segment_size) {
    const DatagramRun run{{where, host.address().address}, 0, bytes, segment_size};
    host.read({&run, 1});
  }
  /// The RawPeer initiates and confirms a session.
  bool shake() {
    hand(raw.initiation());
    if (wire.entries().empty() || !raw.finish(wire.last().bytes)) return false;
    hand(raw.seal(0, {}));
    next_counter = 1;
    return true;
  }
  /// A packet of the peer, sealed.
  Bytes sealed(const Bytes& packet) { return raw.seal(next_counter++, packet); }
  [[nodiscard]] Bytes packet(std::string_view payload = "inner") const {
    return make_packet({.source = ip("10.9.0.1"), .destination = host.inner(), .payload = text(payload)});
  }
  /// The host sends one to the peer.
  void send_out(std::string_view payload = "out", Ecn ecn = Ecn::not_ect) {
    host.send(
        make_packet({.source = host.inner(), .destination = ip("10.9.0.1"), .ecn = ecn, .payload = text(payload)}));
  }
  [[nodiscard]] Endpoint path() const { return *host.device().status().peers.front().endpoint; }

  Endpoint where = endpoint("198.51.100.9:9");
  SimWorld world;
  SimHost& host;
  Wire wire{world};
  RawPeer raw{7, host.public_key()};
  std::uint64_t next_counter = 0;
};

}  // namespace wg4::test
