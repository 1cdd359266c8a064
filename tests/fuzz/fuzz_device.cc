// Two Devices and a stream of decisions: they send, the network loses, repeats, changes and mixes what they sent, time
// jumps, machines move, people reconfigure. Whatever comes: no counter twice, no packet twice, none that was not sent,
// no index left over, no deadline in the past.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "shared/base/keys.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/support/device_probe.h"
#include "tests/support/packets.h"
#include "tests/support/sim_net.h"
#include "tests/support/sim_world.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/keypair.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/time.h"

namespace {

using namespace wg4;
using namespace wg4::test;

constexpr std::size_t max_recorded = 64;

class Target {
 public:
  explicit Target(ByteView bytes) : input_(bytes) {
    SimWorld::connect(*hosts_[0], *hosts_[1]);
    for (SimHost* host : hosts_) host->on_packet = [this](ByteView packet) { check_delivery(packet); };
    world_.net.tap = [this](const Datagram& datagram) {
      if (recorded_.size() < max_recorded) recorded_.push_back(datagram);
    };
    world_.net.passes = [this](const Datagram&) { return !cut_; };
  }

  void run() {
    while (!input_.empty()) {
      act();
      check_state();
    }
  }

 private:
  void act() {
    const std::uint8_t what = input_.u8();
    SimHost& host = *hosts_[what & 1];
    SimHost& other = *hosts_[(what & 1) ^ 1];
    switch ((what >> 1) % 16) {
      case 0:
      case 1:
        return send(host, other);
      case 2:
        return world_.run_for(std::chrono::milliseconds(input_.u8()));
      case 3:
        return world_.run_for(std::chrono::seconds(input_.below(32)));
      case 4:
        return sleep(std::chrono::seconds(4 * input_.u8()));
      case 5:
        return replay(host);
      case 6:
        return deliver_run(host);
      case 7:
        cut_ = !cut_;
        return;
      case 8:
        return change_peer(host, other);
      case 9:
        return change_prefixes(host, other);
      case 10:
        return change_key(host, other);
      case 11:
        return set_counter(host, other);
      case 12:
        return host.device().set_mtu(input_.u16());
      case 13:
        host.move_to({ip("198.51.100.1"), input_.u16()}, {ip("2001:db8::51"), input_.u16()});
        return;
      case 14:
        host.clock().set_wall_ahead(std::chrono::seconds(input_.u16()) - std::chrono::hours(9));
        return;
      default:
        host.suspend_for(std::chrono::seconds(input_.u8()));
    }
  }

  /// Both at once: a jump in time that costs the fuzzer no work.
  void sleep(Duration span) {
    for (SimHost* host : hosts_) host->suspend_for(span);
    world_.run_for(span);
  }

  void send(SimHost& host, const SimHost& other) {
    const std::uint8_t shape = input_.u8();
    std::vector<Bytes> packets;
    for (std::size_t i = 0; i <= (shape & 7U); ++i) {
      Bytes payload(8 + (shape >> 3) * 40U, shape);
      store_be<std::uint64_t>(payload.data(), sent_.size());
      const Family family = (shape & 16) == 0 ? Family::v4 : Family::v6;
      packets.push_back(
          make_packet({.source = host.inner(family), .destination = other.inner(family), .payload = payload}));
      sent_.push_back({packets.back(), false});
    }
    host.send(packets);
  }

  /// Something that was on the wire, once more, perhaps changed, perhaps from elsewhere.
  void replay(SimHost& host) {
    if (recorded_.empty()) return;
    Datagram datagram = recorded_[input_.below(recorded_.size())];
    const std::uint8_t how = input_.u8();
    if ((how & 1) != 0) datagram.bytes[input_.u16() % datagram.bytes.size()] ^= input_.u8();
    if ((how & 2) != 0) datagram.bytes.resize(input_.u16());
    if ((how & 4) != 0) datagram.from = {ip("203.0.113.7"), input_.u16()};
    if ((how & 8) != 0) datagram.tos = input_.u8();
    datagram.to = host.address(datagram.from.address.family());
    host.receive(datagram);
    if ((how & 16) == 0) host.turn();
  }

  /// Several recorded datagrams as one run, with a segment size that need not fit.
  void deliver_run(SimHost& host) {
    Bytes run;
    for (std::size_t left = input_.below(8); left > 0 && !recorded_.empty(); --left) {
      const Bytes& bytes = recorded_[input_.below(recorded_.size())].bytes;
      if (run.size() + bytes.size() <= max_run_size) run.insert(run.end(), bytes.begin(), bytes.end());
    }
    const std::size_t segment = std::max<std::size_t>(input_.u16(), 1);
    const DatagramRun received{{hosts_[0]->address(), host.address().address}, 0, run, segment};
    if (!run.empty()) host.read({&received, 1});
    host.turn();
  }

  static PeerChange change_of(const SimHost& peer) {
    PeerChange change;
    change.public_key = peer.public_key();
    return change;
  }

  void change_peer(SimHost& host, const SimHost& other) {
    const std::uint8_t how = input_.u8();
    PeerChange change = (how & 1) != 0 ? other.as_peer((how & 2) != 0 ? Family::v6 : Family::v4) : change_of(other);
    change.remove = (how & 4) != 0;
    change.update_only = (how & 8) != 0;
    if ((how & 16) != 0) change.persistent_keepalive_s = input_.u8();
    if ((how & 32) != 0) {
      PresharedKey key;
      std::ranges::fill(key.span(), input_.u8());
      change.preshared_key = std::move(key);
    }
    if ((how & 64) != 0) change.public_key = host.public_key();
    host.configure(std::move(change));
  }

  void change_prefixes(SimHost& host, const SimHost& other) {
    const std::uint8_t how = input_.u8();
    PeerChange change = change_of(other);
    change.replace_allowed_ips = (how & 1) != 0;
    const Prefix moved{(how & 2) != 0 ? other.inner(Family::v6) : other.inner(Family::v4),
                       static_cast<std::uint8_t>(input_.below(33))};
    change.allowed_ips = {{moved, (how & 4) != 0}};
    host.configure(std::move(change));
  }

  void change_key(SimHost& host, SimHost& other) {
    const std::uint8_t fill = input_.u8();
    PrivateKey key;
    std::ranges::fill(key.span(), fill);
    PeerChange old = change_of(host);
    old.remove = true;
    host.set_private_key(std::move(key));
    if ((fill & 1) != 0) other.configure(std::move(old));
    if ((fill & 2) != 0) other.configure(host.as_peer());
  }

  void set_counter(SimHost& host, const SimHost& other) {
    Peer* peer = host.peer(other);
    Keypair* keypair = peer != nullptr ? peer->keypairs.current() : nullptr;
    const std::uint64_t counter = reject_after_messages - input_.below(16);
    if (keypair != nullptr && keypair->send_counter < counter) keypair->send_counter = counter;
  }

  void check_delivery(ByteView packet) {
    CHECK(packet.size() >= 36);
    const auto place = load_be<std::uint64_t>(payload_of(packet).data());
    CHECK(place < sent_.size());
    Sent& sent = sent_[place];
    CHECK(!sent.delivered);
    sent.delivered = true;
    CHECK(std::ranges::equal(packet, sent.packet));
  }

  void check_state() {
    CHECK(!world_.nonces.reused());
    CHECK(!world_.deadline_in_the_past);
    for (const SimHost* host : hosts_) {
      const Device& device = host->device();
      CHECK(DeviceProbe::indices(device) == DeviceProbe::indices_in_use(device));
      CHECK(DeviceProbe::handshakes_waiting(device) <= max_queued_handshakes);
      CHECK(DeviceProbe::most_staged(device) <= max_staged_packets);
      CHECK(DeviceProbe::deadlines(device) <= device.status().peers.size());
    }
  }

  struct Sent {
    Bytes packet;
    bool delivered = false;
  };

  FuzzInput input_;
  SimWorld world_;
  std::array<SimHost*, 2> hosts_ = {&world_.add_host(), &world_.add_host()};
  std::vector<Sent> sent_;
  std::vector<Datagram> recorded_;
  bool cut_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Target({data, size}).run();
  return 0;
}
