#include "tests/support/sim_world.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "shared/base/keys.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "tests/support/device_probe.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/inner_packet.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/startup.h"

namespace wg4::test {
namespace {

constexpr std::uint16_t listen_port = 51820;
constexpr Duration turn_time = 1ms;  // between two turns of a host whose handshake work did not fit into one

IpAddress numbered(std::string_view network, unsigned number) {
  return ip(std::string(network) + std::to_string(number));
}

/// Would a datagram be received in one run with those before it?
bool joins(std::span<const Datagram> run, const Datagram& next) {
  const Datagram& first = run.front();
  return run.size() < max_batch && next.from == first.from && next.to == first.to && next.tos == first.tos &&
         run.back().bytes.size() == first.bytes.size() && next.bytes.size() <= first.bytes.size() &&
         (run.size() + 1) * first.bytes.size() <= max_run_size;
}

}  // namespace

// ---------------------------------------------------------------- SimHost

SimHost::SimHost(SimWorld& world, unsigned number, std::uint64_t seed, std::pmr::memory_resource& secrets)
    : world_(world),
      number_(number),
      entropy_(seed),
      aead_(world.nonces),
      clock_(std::chrono::hours(number)),
      device_(aead_, entropy_, secrets),
      data_path_(device_, aead_, secrets),
      v4_{numbered("192.0.2.", number), listen_port},
      v6_{numbered("2001:db8::", number), listen_port},
      room_(max_batch_size) {
  PrivateKey key;
  entropy_.fill(key.span());
  set_private_key(std::move(key));
  device_.bring_up(now(), *this);
}

Endpoint SimHost::address(Family family) const { return family == Family::v4 ? v4_ : v6_; }

IpAddress SimHost::inner(Family family) const { return numbered(family == Family::v4 ? "10.0.0." : "fd00::", number_); }

PeerChange SimHost::as_peer(Family outer) const {
  PeerChange change;
  change.public_key = public_key_;
  change.endpoint = address(outer);
  change.allowed_ips = {{{inner(Family::v4), 32}}, {{inner(Family::v6), 128}}};
  return change;
}

void SimHost::configure(PeerChange peer) {
  DeviceChange change;
  change.peers.push_back(std::move(peer));
  configure(change);
}

void SimHost::configure(const DeviceChange& change) {
  CHECK(device_.apply(change, now(), *this).has_value());
  after_call();
}

void SimHost::set_private_key(PrivateKey key) {
  DeviceChange change;
  change.private_key = std::move(key);
  configure(change);
  public_key_ = device_.status().public_key;
}

Peer* SimHost::peer(const SimHost& other) { return DeviceProbe::peer(device_, other.public_key()); }

PeerStatus SimHost::status_of(const SimHost& other) const {
  DeviceStatus status = device_.status();
  const auto found = std::ranges::find(status.peers, other.public_key(), &PeerStatus::public_key);
  CHECK(found != status.peers.end());
  return std::move(*found);
}

Now SimHost::now() const { return clock_.at(world_.now()); }

void SimHost::move_to(const Endpoint& v4, const Endpoint& v6) {
  v4_ = v4;
  v6_ = v6;
}

void SimHost::suspend_for(Duration span) { asleep_until_ = std::max(asleep_until_, world_.now() + span); }

bool SimHost::awake() const { return asleep_until_ <= world_.now(); }

void SimHost::send(const std::vector<Bytes>& packets) {
  std::vector<crypto::Plaintext> plaintexts;
  plaintexts.reserve(packets.size());
  for (const Bytes& packet : packets) plaintexts.push_back({.head = {}, .body = packet});
  data_path_.send(plaintexts, Device::Flow::one, now(), *this);
  after_call();
}

void SimHost::send_to(const SimHost& other, ByteView payload, Family family, Ecn ecn) {
  send(make_packet({.source = inner(family),
                    .destination = other.inner(family),
                    .ecn = ecn,
                    .payload = Bytes(payload.begin(), payload.end())}));
}

std::size_t SimHost::count(EventKind kind) const {
  return static_cast<std::size_t>(std::ranges::count(events_, kind, &Event::kind));
}

void SimHost::receive(std::span<const Datagram> run) {
  Bytes bytes;
  for (const Datagram& datagram : run) bytes.insert(bytes.end(), datagram.bytes.begin(), datagram.bytes.end());
  if (bytes.empty()) return;  // the socket layer skips these
  const Datagram& first = run.front();
  const DatagramRun received{{first.from, first.to.address}, first.tos, bytes, first.bytes.size()};
  read({&received, 1});
  handshakes_wait_ = true;
  after_call();
}

void SimHost::read(std::span<const DatagramRun> runs) {
  data_path_.receive(runs, now(), *this, [this](std::span<const ByteSpan> packets) {
    for (const ByteSpan packet : packets) deliver(packet);
  });
}

void SimHost::turn() {
  handshakes_wait_ = device_.handshake_work(handshake_budget, now(), *this);
  device_.expire(now(), *this);
  after_call();
  if (const auto deadline = device_.next_deadline()) world_.deadline_in_the_past |= *deadline <= now().boot;
}

std::optional<Duration> SimHost::next_turn() const {
  const Duration earliest = std::max(asleep_until_, handshakes_wait_ ? world_.now() + turn_time : Duration{});
  if (handshakes_wait_) return earliest;
  const auto deadline = device_.next_deadline();
  return deadline ? std::optional(std::max(earliest, clock_.elapsed_at(*deadline))) : std::nullopt;
}

ByteSpan SimHost::send_room(std::size_t bytes) {
  CHECK(bytes <= room_.size());
  unsent_ = std::span(room_).first(bytes);
  return unsent_;
}

void SimHost::send(const SendRun& run) {
  CHECK(run.size > 0 && run.segment_size > 0 && run.size <= unsent_.size());
  Endpoint from = address(run.path.remote.address.family());
  if (run.path.has_source() && run.path.local != from.address) bad_sources_.push_back(run.peer);
  for (std::size_t at = 0; at < run.size; at += run.segment_size) {
    const auto piece = unsent_.subspan(at, std::min(run.segment_size, run.size - at));
    world_.net.send(world_.now(), {from, run.path.remote, run.tos, Bytes(piece.begin(), piece.end())});
  }
  unsent_ = unsent_.subspan(run.size);
}

void SimHost::deliver(ByteView packet) {
  if (on_packet) {
    on_packet(packet);
  } else {
    received_.emplace_back(packet.begin(), packet.end());
  }
}

void SimHost::event(const Event& event) {
  events_.push_back(event);
  if (event.kind == EventKind::handshake_unanswered) unanswered_.push_back(event.peer);
}

/// Does what the core has requested during a call and what must not be done from within it.
void SimHost::after_call() {
  for (const PeerId id : std::exchange(bad_sources_, {})) device_.forget_source(id);
  for (const PeerId id : std::exchange(unanswered_, {})) {
    const Peer* peer = device_.peer(id);
    const SimHost* other = peer != nullptr && world_.names_are_resolved ? world_.find(peer->public_key()) : nullptr;
    if (other == nullptr) continue;
    PeerChange change;
    change.public_key = other->public_key();
    change.update_only = true;
    change.endpoint = other->address(peer->path->remote.address.family());
    configure(std::move(change));
  }
}

// ---------------------------------------------------------------- SimWorld

SimWorld::SimWorld(std::uint64_t seed) : net(seed), seed_(seed) { CHECK(crypto::start_up()); }

SimHost& SimWorld::add_host(std::pmr::memory_resource& secrets) {
  const auto number = static_cast<unsigned>(hosts_.size() + 1);
  return *hosts_.emplace_back(std::make_unique<SimHost>(*this, number, seed_ * 1000 + number, secrets));
}

void SimWorld::connect(SimHost& a, SimHost& b, Family outer) {
  a.configure(b.as_peer(outer));
  b.configure(a.as_peer(outer));
}

SimHost* SimWorld::find(const PublicKey& key) {
  const auto found = std::ranges::find_if(hosts_, [&](const auto& host) { return host->public_key() == key; });
  return found == hosts_.end() ? nullptr : found->get();
}

void SimWorld::run_for(Duration span) {
  run_until([] { return false; }, span);
}

bool SimWorld::run_until(const std::function<bool()>& done, Duration limit) {
  const Duration end = now_ + limit;
  while (!done()) {
    const Duration next = next_event();
    if (next > end) {
      now_ = end;
      return done();
    }
    now_ = std::max(now_, next);
    deliver_due();
    for (const auto& host : hosts_)
      if (const auto turn = host->next_turn(); host->awake() && turn) host->turn();
  }
  return true;
}

Duration SimWorld::next_event() const {
  Duration next = net.next().value_or(Duration::max());
  for (const auto& host : hosts_)
    if (const auto turn = host->next_turn()) next = std::min(next, *turn);
  return next;
}

void SimWorld::deliver_due() {
  std::vector<Datagram> run;
  while (auto datagram = net.take_due(now_)) {
    if (!run.empty() && !joins(run, *datagram)) {
      hand_over(run);
      run.clear();
    }
    run.push_back(std::move(*datagram));
  }
  if (!run.empty()) hand_over(run);
}

void SimWorld::hand_over(std::span<const Datagram> run) {
  for (const auto& host : hosts_)
    if (host->awake() && host->has(run.front().to)) host->receive(run);
}

}  // namespace wg4::test
