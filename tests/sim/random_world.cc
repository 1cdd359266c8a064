#include "tests/sim/random_world.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "tests/support/device_probe.h"
#include "tests/support/packets.h"
#include "tests/support/sim_net.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/inner_packet.h"
#include "wg4netns/core/keypair.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"

namespace wg4::test {
namespace {

constexpr int steps = 80;
/// An initiation that is due may have been held back: at most for this long.
constexpr Duration max_wait = rekey_timeout + crossing_jitter_factor * rekey_timeout_jitter_max;

IpAddress attacker() { return ip("203.0.113.66"); }

PresharedKey psk_of(std::uint8_t fill) {
  PresharedKey key;
  std::ranges::fill(key.span(), fill);
  return key;
}

PeerChange change_of(const SimHost& peer) {
  PeerChange change;
  change.public_key = peer.public_key();
  return change;
}

/// A packet contains its index in the list of all sent packets.
Bytes payload_for(std::size_t place, std::size_t size) {
  Bytes payload(std::max<std::size_t>(size, 8), static_cast<std::uint8_t>(place));
  store_be<std::uint64_t>(payload.data(), place);
  return payload;
}

/// Equal except for the ECN mark, which congestion changes, and the header checksum that covers it.
bool same(ByteView one, ByteView other) {
  if (one.size() != other.size()) return false;
  const bool v4 = one[0] >> 4 == 4;
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (v4 && (i == 10 || i == 11)) continue;
    const unsigned ignored = i != 1 ? 0 : v4 ? 0x03 : 0x30;
    if (((one[i] ^ other[i]) & ~ignored) != 0) return false;
  }
  return true;
}

}  // namespace

RandomWorld::RandomWorld(std::uint64_t seed) : chance_(seed), world_(seed) {
  world_.names_are_resolved = true;
  machines_.resize(2 + std::min(chance_.below(4), chance_.below(4)));  // five are rare: they cost time
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    machines_[i].host = &world_.add_host();
    machines_[i].psk.resize(machines_.size());
    machines_[i].host->on_packet = [this, i](ByteView packet) { delivered(i, packet); };
  }
  for (std::size_t i = 0; i < machines_.size(); ++i)
    for (std::size_t j = 0; j < machines_.size(); ++j)
      if (i != j) add_peer(i, j);
  world_.net.tap = [this](const Datagram& datagram) {
    overheard_.push_back(datagram);
    if (overheard_.size() > 20) overheard_.pop_front();
  };
  world_.net.passes = [this](const Datagram& datagram) {
    return std::ranges::none_of(machines_, [&](const Machine& machine) {
      return machine.cut_off && (machine.host->has(datagram.from) || machine.host->has(datagram.to));
    });
  };
}

std::string RandomWorld::run() {
  for (int step = 0; step < steps && broken_.empty(); ++step) {
    act();
    world_.run_for(one_in(30) ? up_to(300s) : up_to(2s));
    check_all();
  }
  return broken_;
}

// ---------------------------------------------------------------- what happens

void RandomWorld::act() {
  const std::size_t who = any_machine();
  const auto dice = chance_.below(100);
  if (dice < 60) {
    send_packets(who);
  } else if (dice < 65) {
    change_faults();
  } else if (dice < 70) {
    machines_[who].cut_off = !machines_[who].cut_off;
  } else if (dice < 75) {
    move(who);
  } else if (dice < 78) {
    machines_[who].host->suspend_for(one_in(3) ? up_to(800s) : up_to(30s));
  } else if (dice < 81) {
    set_clock(who);
  } else if (dice < 93) {
    reconfigure(who);
  } else if (dice < 96) {
    attack();
  } else if (dice < 98) {
    check_recovery(who, any_other(who));
  } else {
    check_patience(who, any_other(who));
  }
}

void RandomWorld::send_packets(std::size_t from) {
  if (!machines_[from].host->awake()) return;
  IpAddress source = one_in(5) ? any_address() : machines_[from].host->inner(one_in(2) ? Family::v4 : Family::v6);
  IpAddress destination = any_address();
  while (destination.family() != source.family()) destination = any_address();

  const auto ecn = static_cast<Ecn>(chance_.below(4));
  const std::size_t size = chance_.below(1300);
  std::vector<Bytes> packets;
  for (std::size_t count = 1 + chance_.below(one_in(4) ? 100 : 8); count > 0; --count) {
    const Bytes payload = payload_for(sent_.size(), count == 1 ? size / 2 : size);
    packets.push_back(make_packet({.source = source, .destination = destination, .ecn = ecn, .payload = payload}));
    sent_.push_back({from, machines_[from].allowed.find(destination), packets.back()});
  }
  machines_[from].host->send(packets);
}

void RandomWorld::change_faults() {
  Faults& faults = world_.net.faults;
  faults = {};
  faults.delay = 1ms + up_to(one_in(4) ? 400ms : 50ms);
  faults.jitter = up_to(faults.delay);
  if (one_in(2)) faults.loss_percent = chance_.below(41);
  if (one_in(2)) faults.duplicate_percent = chance_.below(30);
  if (one_in(2)) faults.reorder_percent = chance_.below(50);
  if (one_in(2)) faults.congestion_percent = chance_.below(100);
}

void RandomWorld::move(std::size_t who) {
  Machine& machine = machines_[who];
  const std::string place = std::to_string(100 * (machine.moves++ % 2) + who + 1);
  const auto port = static_cast<std::uint16_t>(1024 + chance_.below(60000));
  machine.host->move_to({ip("198.51.100." + place), port}, {ip("2001:db8:1::" + place), port});
}

void RandomWorld::set_clock(std::size_t who) {
  Machine& machine = machines_[who];
  machine.host->clock().set_wall_ahead(up_to(2000s) - 1000s);
  machine.wall_furthest_ahead = std::max(machine.wall_furthest_ahead, machine.host->clock().wall_ahead());
}

void RandomWorld::reconfigure(std::size_t who) {
  const std::size_t other = any_other(who);
  switch (chance_.below(8)) {
    case 0:
      return remove_peer(who, other);
    case 1:
    case 2:
      return add_peer(who, other);
    case 3:
      return set_psk(who, other, static_cast<std::uint8_t>(chance_.below(3)));
    case 4:
    case 5:
      return move_prefix(who, other);
    case 6:
      return replace_key(who);
    default:
      return use_up_counters(who);
  }
}

void RandomWorld::add_peer(std::size_t who, std::size_t other) {
  Machine& machine = machines_[who];
  PeerChange change = machines_[other].host->as_peer(one_in(2) ? Family::v4 : Family::v6);
  if (one_in(4)) change.persistent_keepalive_s = static_cast<std::uint16_t>(chance_.below(30));
  for (const AllowedIpChange& each : change.allowed_ips)
    machine.allowed.insert(each.prefix, static_cast<PeerId>(other));
  machine.host->configure(std::move(change));
  machine.peers.insert(other);
}

void RandomWorld::remove_peer(std::size_t who, std::size_t other) {
  Machine& machine = machines_[who];
  PeerChange change = change_of(*machines_[other].host);
  change.remove = true;
  machine.host->configure(std::move(change));
  machine.peers.erase(other);
  machine.allowed.remove_all(static_cast<PeerId>(other));
  machine.psk[other] = 0;
}

void RandomWorld::set_psk(std::size_t who, std::size_t other, std::uint8_t fill) {
  if (!machines_[who].peers.contains(other)) return;
  PeerChange change = change_of(*machines_[other].host);
  change.preshared_key = psk_of(fill);
  machines_[who].host->configure(std::move(change));
  machines_[who].psk[other] = fill;
}

/// One of a few prefixes, which are nested and contain hosts, moves to another peer or is removed.
void RandomWorld::move_prefix(std::size_t who, std::size_t other) {
  constexpr std::array prefixes = {"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/30", "10.0.0.2/32", "10.1.0.0/16",
                                   "::/0",      "fd00::/120", "fd00::3/128", "fd01::/16"};
  Machine& machine = machines_[who];
  if (!machine.peers.contains(other)) return;
  PeerChange change = change_of(*machines_[other].host);
  const Prefix moved = prefix(prefixes[chance_.below(prefixes.size())]);
  change.allowed_ips = {{moved, one_in(3)}};
  if (change.allowed_ips.front().remove) {
    machine.allowed.remove(moved, static_cast<PeerId>(other));
  } else {
    machine.allowed.insert(moved, static_cast<PeerId>(other));
  }
  machine.host->configure(std::move(change));
}

void RandomWorld::replace_key(std::size_t who) {
  std::vector<std::size_t> knew;
  for (std::size_t i = 0; i < machines_.size(); ++i)
    if (machines_[i].peers.contains(who)) knew.push_back(i);
  for (const std::size_t i : knew) remove_peer(i, who);
  PrivateKey key;
  chance_.fill(key.span());
  machines_[who].host->set_private_key(std::move(key));
  for (const std::size_t i : knew) add_peer(i, who);
}

void RandomWorld::use_up_counters(std::size_t who) {
  for (const std::size_t other : machines_[who].peers) {
    Keypair* keypair = machines_[who].host->peer(*machines_[other].host)->keypairs.current();
    if (keypair == nullptr) continue;
    const std::uint64_t limit = one_in(2) ? rekey_after_messages : reject_after_messages;
    keypair->send_counter = std::max(keypair->send_counter, limit - chance_.below(10));
  }
}

/// A recorded datagram arrives from elsewhere with one bit changed. (Unchanged and earlier than the original, it would
/// be valid, and the endpoint would follow it: WireGuard authenticates packets, not paths.)
void RandomWorld::attack() {
  for (Datagram datagram : overheard_) {
    const std::size_t checked = datagram.bytes.size() - tag_size;  // mac2 at the end is checked under load only
    datagram.bytes[chance_.below(static_cast<std::uint32_t>(checked))] ^= 0x20;
    datagram.from = {attacker(), 666};
    for (const Machine& machine : machines_)
      if (machine.host->has(datagram.to) && machine.host->awake()) machine.host->receive(datagram);
  }
  check_all();
}

// ---------------------------------------------------------------- what must hold

void RandomWorld::broken(const std::string& rule) {
  if (broken_.empty())
    broken_ = rule + " (after " + std::to_string(world_.now() / std::chrono::milliseconds(1)) + " ms)";
}

void RandomWorld::delivered(std::size_t at, ByteView packet) {
  if (!checksums_valid(packet)) return broken("a packet was delivered with a wrong checksum");
  const auto place = load_be<std::uint64_t>(payload_of(packet).data());
  if (place >= sent_.size()) return broken("a packet was delivered that nobody sent");
  Sent& sent = sent_[place];
  if (!same(packet, sent.packet)) return broken("a packet was delivered changed");
  if (std::exchange(sent.delivered, true)) return broken("a packet was delivered twice");
  if (sent.receiver != at) return broken("a packet was delivered to another than it was routed to");
  const bool v4 = packet[0] >> 4 == 4;
  const IpAddress source = v4 ? IpAddress::v4(packet.subspan<12, 4>()) : IpAddress::v6(packet.subspan<8, 16>());
  if (!machines_[at].peers.contains(sent.sender)) return broken("a packet was delivered from one who is no peer");
  if (machines_[at].allowed.find(source) != sent.sender) return broken("a packet was delivered with another's source");
}

void RandomWorld::check_all() {
  if (world_.nonces.reused()) broken("a counter was used twice with one key");
  if (world_.deadline_in_the_past) broken("a deadline stayed in the past");
  for (const Machine& machine : machines_) {
    const Device& device = machine.host->device();
    if (DeviceProbe::indices(device) != DeviceProbe::indices_in_use(device)) broken("an index is left over or missing");
    if (DeviceProbe::indices(device) > 4 * machine.peers.size())
      broken("there are more indices than sessions can have");
    if (DeviceProbe::most_staged(device) > max_staged_packets) broken("too many packets wait");
    if (DeviceProbe::handshakes_waiting(device) > max_queued_handshakes) broken("too many handshakes wait");
    if (DeviceProbe::deadlines(device) > machine.peers.size()) broken("a deadline outlived its peer");
    if (DeviceProbe::peer_places(device) > machines_.size()) broken("places of removed peers are not used again");
    const DeviceStatus status = device.status();
    if (status.peers.size() != machine.peers.size()) broken("a peer is left over or missing");
    for (const PeerStatus& peer : status.peers)
      if (peer.endpoint && peer.endpoint->address == attacker()) broken("an endpoint moved to the attacker's address");
  }
}

/// From now on the network and the clocks of two machines work correctly.
void RandomWorld::heal(std::size_t one, std::size_t other) {
  const Duration delay = 1ms + up_to(50ms);
  world_.net.faults = {};
  world_.net.faults.delay = delay;
  for (const auto& [who, peer] : {std::pair(one, other), std::pair(other, one)}) {
    Machine& machine = machines_[who];
    machine.cut_off = false;
    machine.host->clock().set_wall_ahead(machine.wall_furthest_ahead += 1s);
  }
  while (!machines_[one].host->awake() || !machines_[other].host->awake()) world_.run_for(1s);
}

/// Once everything works, packets flow both ways as soon as the next initiation is due.
void RandomWorld::check_recovery(std::size_t one, std::size_t other) {
  heal(one, other);
  add_peer(one, other);  // at its present address
  add_peer(other, one);
  if (machines_[one].psk[other] != machines_[other].psk[one]) set_psk(one, other, machines_[other].psk[one]);
  wait_for_both(one, other, true);
}

/// A staged packet is sent when the network is back, without another packet.
void RandomWorld::check_patience(std::size_t one, std::size_t other) {
  for (const auto& [who, peer] : {std::pair(one, other), std::pair(other, one)}) {
    remove_peer(who, peer);  // and with it the session
    add_peer(who, peer);
    machines_[who].cut_off = true;
  }
  world_.run_for(up_to(5s));
  send_probe(one, other);
  world_.run_for(up_to(5s));
  send_probe(other, one);
  world_.run_for(up_to(60s));
  heal(one, other);
  wait_for_both(one, other, false);
}

void RandomWorld::send_probe(std::size_t from, std::size_t to) {
  const Bytes packet = make_packet({.source = machines_[from].host->inner(),
                                    .destination = machines_[to].host->inner(),
                                    .payload = payload_for(sent_.size(), 8)});
  sent_.push_back({from, static_cast<PeerId>(to), packet});
  machines_[from].host->send(packet);
}

/// A packet of each has to arrive in time: after one max_wait, and one more each time that two initiations cross.
void RandomWorld::wait_for_both(std::size_t one, std::size_t other, bool send_more) {
  const Duration trip = world_.net.faults.delay;
  const std::size_t first = sent_.size() - (send_more ? 0 : 2);
  std::array<Duration, 2> last_initiation{-1h, -1h};
  int crossings = 0;
  auto overhear = std::exchange(world_.net.tap, nullptr);
  world_.net.tap = [&](const Datagram& datagram) {
    if (classify(datagram.bytes) != MessageType::initiation) return;
    const bool from_one = machines_[one].host->has(datagram.from);
    if (!from_one && !machines_[other].host->has(datagram.from)) return;
    last_initiation[from_one ? 0 : 1] = world_.now();
    if (world_.now() - last_initiation[from_one ? 1 : 0] <= trip) ++crossings;
  };
  const auto arrived = [&](std::size_t sender) {
    return std::any_of(sent_.begin() + static_cast<std::ptrdiff_t>(first), sent_.end(),
                       [&](const Sent& sent) { return sent.sender == sender && sent.delivered; });
  };
  const Duration start = world_.now();
  const auto deadline = [&] { return (1 + crossings) * (max_wait + 2 * trip) + 4 * trip + 1s; };
  while (!(arrived(one) && arrived(other)) && world_.now() - start < deadline()) {
    if (send_more) {
      send_probe(one, other);
      send_probe(other, one);
    }
    world_.run_for(200ms);
  }
  world_.net.tap = std::move(overhear);
  if (!arrived(one) || !arrived(other))
    broken("no session between " + std::to_string(one) + " and " + std::to_string(other) + " after all was well again");
}

// ---------------------------------------------------------------- chance

std::size_t RandomWorld::any_other(std::size_t than) {
  const std::size_t other = chance_.below(static_cast<std::uint32_t>(machines_.size() - 1));
  return other < than ? other : other + 1;
}

Duration RandomWorld::up_to(Duration span) {
  return std::chrono::microseconds(chance_.below(static_cast<std::uint32_t>(span / std::chrono::microseconds(1)) + 1));
}

IpAddress RandomWorld::any_address() {
  if (one_in(8)) return one_in(2) ? ip("10.1.2.3") : ip("fd01::1");
  return machines_[any_machine()].host->inner(one_in(2) ? Family::v4 : Family::v6);
}

}  // namespace wg4::test
