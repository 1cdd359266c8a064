#pragma once
// Deterministic simulation: real Devices as hosts, on a simulated network, in simulated time. A SimHost plays the part
// of the program around the core: it sends the Device's output, passes on what arrives, and wakes the Device at its
// deadlines. A SimWorld advances time from one event to the next. The same seed gives the same world, byte for byte.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "tests/support/fake_clock.h"
#include "tests/support/packets.h"
#include "tests/support/recording_aead.h"
#include "tests/support/seeded_entropy.h"
#include "tests/support/sim_net.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/data_path.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/inner_packet.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"

namespace wg4::test {

class SimWorld;

/// One machine with one interface. Host n has the addresses 192.0.2.n and 2001:db8::n outside, 10.0.0.n and fd00::n
/// inside, and listens on port 51820 until it roams.
class SimHost final : public Output {
 public:
  SimHost(SimWorld& world, unsigned number, std::uint64_t seed, std::pmr::memory_resource& secrets);

  // --- who it is
  [[nodiscard]] unsigned number() const { return number_; }
  [[nodiscard]] const PublicKey& public_key() const { return public_key_; }
  [[nodiscard]] Endpoint address(Family family = Family::v4) const;
  [[nodiscard]] IpAddress inner(Family family = Family::v4) const;
  /// This host as a peer in another's configuration: its key, its present endpoint, and its inner addresses.
  [[nodiscard]] PeerChange as_peer(Family outer = Family::v4) const;

  // --- control
  Device& device() { return device_; }
  [[nodiscard]] const Device& device() const { return device_; }
  void configure(PeerChange peer);
  void configure(const DeviceChange& change);
  void set_private_key(PrivateKey key);
  /// The peer's state inside the device; null when there is none.
  [[nodiscard]] Peer* peer(const SimHost& other);
  [[nodiscard]] PeerStatus status_of(const SimHost& other) const;
  [[nodiscard]] std::uint64_t drops(DropReason reason) const { return device_.drops()[reason]; }

  // --- the machine
  [[nodiscard]] Now now() const;
  FakeClock& clock() { return clock_; }
  /// From now on the host has these addresses; datagrams in flight to the old ones are lost.
  void move_to(const Endpoint& v4, const Endpoint& v6);
  /// For this time nothing runs and nothing is received.
  void suspend_for(Duration span);
  [[nodiscard]] bool awake() const;
  [[nodiscard]] bool has(const Endpoint& where) const { return where == v4_ || where == v6_; }

  // --- the app inside the tunnel
  void send(const Bytes& packet) { send(std::vector<Bytes>{packet}); }
  /// As one read from the TUN.
  void send(const std::vector<Bytes>& packets);
  /// A UDP packet to another host's inner address.
  void send_to(const SimHost& other, ByteView payload, Family family = Family::v4, Ecn ecn = Ecn::not_ect);
  [[nodiscard]] const std::vector<Bytes>& received() const { return received_; }
  /// Replaces received(): sees each packet that is delivered.
  std::function<void(ByteView)> on_packet;

  // --- what happened
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  [[nodiscard]] std::size_t count(EventKind kind) const;

  // --- called by the world, and by tests that make their own datagrams
  void receive(const Datagram& datagram) { receive(std::span(&datagram, 1)); }
  /// Datagrams of one sender, of equal size but for a shorter last: one run, as UDP_GRO makes them.
  void receive(std::span<const Datagram> run);
  /// Takes the result of one read of the UDP socket.
  void read(std::span<const DatagramRun> runs);
  /// Handshake work and timers.
  void turn();
  /// When to call turn() next, since the simulation began.
  [[nodiscard]] std::optional<Duration> next_turn() const;
  /// How many handshakes a turn may process.
  std::size_t handshake_budget = max_handshakes_per_turn;

  // --- Output
  ByteSpan send_room(std::size_t bytes) override;
  void send(const SendRun& run) override;
  void event(const Event& event) override;

 private:
  void deliver(ByteView packet);
  void after_call();

  SimWorld& world_;
  unsigned number_;
  SeededEntropy entropy_;
  RecordingAead aead_;
  FakeClock clock_;
  Device device_;
  DataPath<Device> data_path_;
  PublicKey public_key_{};
  Endpoint v4_;
  Endpoint v6_;
  Duration asleep_until_{};
  bool handshakes_wait_ = false;
  std::vector<std::uint8_t> room_;
  ByteSpan unsent_;  // of room_
  std::vector<PeerId> bad_sources_;
  std::vector<PeerId> unanswered_;
  std::vector<Bytes> received_;
  std::vector<Event> events_;
};

class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed = 1);

  SimHost& add_host(std::pmr::memory_resource& secrets = *std::pmr::new_delete_resource());
  /// Makes each a peer of the other.
  static void connect(SimHost& a, SimHost& b, Family outer = Family::v4);
  [[nodiscard]] SimHost& host(std::size_t at) { return *hosts_[at]; }
  [[nodiscard]] std::size_t size() const { return hosts_.size(); }
  [[nodiscard]] SimHost* find(const PublicKey& key);

  void run_for(Duration span);
  /// False when `done` did not come true within `limit`.
  bool run_until(const std::function<bool()>& done, Duration limit);

  /// Since the simulation began.
  [[nodiscard]] Duration now() const { return now_; }
  SimNet net;
  NonceLedger nonces;
  /// Hosts look up their peers' addresses again when a handshake stays unanswered, like names in a configuration.
  bool names_are_resolved = false;
  /// Set when a device requests a deadline in the past: its loop would spin.
  bool deadline_in_the_past = false;

 private:
  [[nodiscard]] Duration next_event() const;
  void deliver_due();
  void hand_over(std::span<const Datagram> run);

  std::vector<std::unique_ptr<SimHost>> hosts_;
  std::uint64_t seed_;
  Duration now_{};
};

}  // namespace wg4::test
