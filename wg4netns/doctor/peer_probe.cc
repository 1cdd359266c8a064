#include "wg4netns/doctor/peer_probe.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/sys/secret_memory.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/data_path.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/aead_backends.h"
#include "wg4netns/daemon/sandbox.h"
#include "wg4netns/diagnosis/finding.h"
#include "wg4netns/diagnosis/peer_watch.h"
#include "wg4netns/doctor/echo.h"
#include "wg4netns/io/clocks.h"
#include "wg4netns/io/send_failure.h"
#include "wg4netns/io/system_entropy.h"
#include "wg4netns/profile/config_file.h"

namespace wg4::doctor {
namespace {

constexpr Duration handshake_patience = 17s;  // three initiations, and a little more
constexpr Duration echo_patience = 1s;
constexpr int echo_attempts = 2;
constexpr Duration keepalive_patience = keepalive_timeout + 2s;  // by then the peer has confirmed what it got
constexpr std::size_t small_echo = 64;
constexpr std::size_t min_mtu = 576;
constexpr std::size_t mtu_step = 16;  // as padding goes

/// The device and its socket, with a loop that runs only when it is told to.
class Probe final : public Output {
 public:
  Probe(crypto::Aead& aead, UdpSocket udp, std::optional<WallTime> configured)
      : udp_(std::move(udp)),
        device_(aead, entropy_, secrets_.resource()),
        data_path_(device_, aead, secrets_.resource()),
        peer_watch_(configured, udp_.port()) {}

  Result<void> start(const DeviceChange& change, std::size_t mtu) {
    device_.set_mtu(mtu);
    const Now now = read_clocks();
    TRY(device_.apply(change, now, *this));
    udp_.report_failures(true);
    device_.bring_up(now, *this);
    udp_.flush();
    return {};
  }
  /// Runs the loop until `done` or until `patience` is over; true if it was done.
  bool run_until(const std::function<bool()>& done, Duration patience) {
    const Instant end = read_clocks().boot + patience;
    while (!done()) {
      const Now now = read_clocks();
      if (now.boot >= end) return false;
      wait(std::min(end, device_.next_deadline().value_or(end)) - now.boot);
      turn();
    }
    return true;
  }
  /// Sends an inner packet, as if it had been read from the TUN.
  void send(ByteView packet) {
    data_path_.send(std::array{crypto::Plaintext{.head = {}, .body = packet}}, Device::Flow::one, read_clocks(), *this);
    udp_.flush();
  }
  [[nodiscard]] const Peer* peer(const PublicKey& key) const {
    for (PeerId id = 0; device_.peer(id) != nullptr; ++id)
      if (device_.peer(id)->public_key() == key) return device_.peer(id);
    return nullptr;
  }
  [[nodiscard]] Evidence evidence(const Peer& peer) const { return peer_watch_.evidence(device_, peer, read_clocks()); }
  /// Called with each inner packet that comes.
  std::function<void(ByteView)> on_packet;

  // Output
  ByteSpan send_room(std::size_t bytes) override { return udp_.room(bytes); }
  void send(const SendRun& run) override { udp_.push(run); }
  void event(const Event& /*event*/) override {}

 private:
  void wait(Duration time) const {
    std::array<pollfd, 2> sockets{};
    nfds_t count = 0;
    for (const Family family : {Family::v4, Family::v6})
      if (udp_.has(family)) sockets[count++] = {udp_.fd(family), POLLIN, 0};
    const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(time);
    poll(sockets.data(), count, static_cast<int>(std::max<std::int64_t>(0, timeout.count())));
  }
  void turn() {
    const Now now = read_clocks();
    for (const Family family : {Family::v4, Family::v6}) {
      if (!udp_.has(family)) continue;
      udp_.read_failures(family);
      data_path_.receive(udp_.receive(family), now, *this, [this](std::span<const ByteSpan> packets) {
        for (const ByteSpan packet : packets)
          if (on_packet) on_packet(packet);
      });
    }
    device_.expire(now, *this);
    static_cast<void>(device_.handshake_work(max_handshakes_per_turn, now, *this));
    udp_.flush();
    for (const SendFailure& failure : udp_.take_failures()) peer_watch_.failed(failure, now);
  }

  SecretMemory secrets_;
  SystemEntropy entropy_;
  UdpSocket udp_;
  Device device_;
  DataPath<Device> data_path_;
  PeerWatch peer_watch_;
};

/// An address behind a peer that may answer a ping: the one address of a prefix, the first one of a network, or a DNS
/// server.
std::optional<IpAddress> find_target(const PeerConfig& peer, const WgConfig& config) {
  const auto is_own = [&](const IpAddress& address) {
    return std::ranges::any_of(config.addresses, [&](const Prefix& own) { return own.address == address; });
  };
  for (const Prefix& prefix : peer.allowed_ips) {
    if (prefix.length == 0) continue;
    if (prefix.length == prefix.address.bits()) return prefix.address;
    std::array<std::uint8_t, 16> bytes{};
    std::ranges::copy(prefix.address.bytes(), bytes.begin());
    const bool v4 = prefix.address.is_v4();
    for (++bytes[v4 ? 3 : 15];; ++bytes[v4 ? 3 : 15]) {
      const IpAddress address = v4 ? IpAddress::v4(std::span(bytes).first<4>()) : IpAddress::v6(bytes);
      if (!is_own(address)) return address;
    }
  }
  for (const IpAddress& server : config.dns_servers)
    if (std::ranges::any_of(peer.allowed_ips, [&](const Prefix& prefix) { return prefix.contains(server); }))
      return server;
  return std::nullopt;
}

std::optional<IpAddress> find_source(const WgConfig& config, Family family) {
  for (const Prefix& own : config.addresses)
    if (own.address.family() == family) return own.address;
  return std::nullopt;
}

/// What came back for a packet that is not answered.
enum class Confirmation : std::uint8_t { none, keepalive, other };

/// Pings through one peer.
class Pinger {
 public:
  Pinger(Probe& probe, const Peer& peer, const IpAddress& source, const IpAddress& target)
      : probe_(probe), peer_(peer), request_{.source = source, .destination = target} {
    SystemEntropy entropy;
    request_.id = static_cast<std::uint16_t>(entropy.u32());
  }

  [[nodiscard]] bool answered(std::size_t size) {
    bool came = false;
    probe_.on_packet = [&](ByteView packet) { came |= answers(packet, request_); };
    for (int attempt = 0; attempt < echo_attempts && !came; ++attempt) {
      send(size);
      probe_.run_until([&] { return came; }, echo_patience);
    }
    probe_.on_packet = nullptr;
    return came;
  }
  /// A peer that gets data, and has none to send, sends a keepalive 10 s later; a packet before that may mean anything.
  [[nodiscard]] Confirmation confirmed(std::size_t size) {
    const Instant sent = read_clocks().boot;
    std::uint64_t before = peer_.rx_bytes;
    send(size);
    bool other = false;
    const auto came = [&] {
      if (std::exchange(before, peer_.rx_bytes) == peer_.rx_bytes) return false;
      const bool on_time = read_clocks().boot - sent > keepalive_timeout - 1s;
      other |= !on_time;
      return on_time;
    };
    if (probe_.run_until(came, keepalive_patience)) return Confirmation::keepalive;
    return other ? Confirmation::other : Confirmation::none;
  }

 private:
  void send(std::size_t size) {
    request_.size = size;
    ++request_.sequence;
    probe_.send(make_echo(request_));
  }

  Probe& probe_;
  const Peer& peer_;
  EchoRequest request_;
};

/// The longest packet that is answered, up to the MTU. Small ones are known to be.
std::size_t find_largest(Pinger& pinger, std::size_t mtu) {
  if (pinger.answered(mtu)) return mtu;
  std::size_t passes = 0;
  std::size_t fails = mtu;
  if (mtu > min_mtu && pinger.answered(min_mtu)) passes = min_mtu;
  while (passes > 0 && fails - passes > mtu_step) {
    const std::size_t middle = (passes + fails) / 2 / mtu_step * mtu_step;
    if (middle <= passes) break;
    (pinger.answered(middle) ? passes : fails) = middle;
  }
  return passes;
}

/// The same by keepalives, without answers: nothing if they do not tell.
std::optional<std::size_t> confirm_mtu(Probe& probe, Pinger& pinger, std::size_t mtu) {
  // Several small packets were sent: another keepalive may be due for those.
  probe.run_until([] { return false; }, keepalive_patience);
  for (int attempt = 0; attempt < echo_attempts; ++attempt) {
    const Confirmation confirmation = pinger.confirmed(mtu);
    if (confirmation == Confirmation::keepalive) return mtu;
    if (confirmation == Confirmation::other) return std::nullopt;
  }
  return 0;
}

void try_data(Probe& probe, const WgConfig& config, const PeerConfig& configured, const Peer& peer, PeerFacts& facts) {
  const auto target = find_target(configured, config);
  const auto source = target ? find_source(config, target->family()) : std::nullopt;
  facts.untried_because = !target   ? "AllowedIPs and DNS name no single host to ping"
                          : !source ? "there is no Address of the family of " + target->to_string()
                                    : "";
  if (!source) return;
  facts.target = target->to_string();
  Pinger pinger(probe, peer, *source, *target);
  if (pinger.answered(small_echo)) {
    facts.data = DataSeen::answered;
    facts.largest = find_largest(pinger, facts.mtu);
  } else if (pinger.confirmed(small_echo) != Confirmation::none) {
    facts.data = DataSeen::confirmed;
    facts.largest = confirm_mtu(probe, pinger, facts.mtu);
  } else {
    facts.data = DataSeen::silent;
  }
}

}  // namespace

Result<void> probe_peers(const WgConfig& config, const ProbeOptions& options, UdpSocket udp,
                         std::vector<PeerFacts>& peers) {
  DeviceChange change = make_device_change(config);
  for (std::size_t i = 0; i < peers.size(); ++i) {
    change.peers[i].endpoint = peers[i].endpoint;
    // A peer with an endpoint is sent a handshake at once, since a keepalive is due then.
    change.peers[i].persistent_keepalive_s = peers[i].endpoint && peers[i].route_error == 0 ? 25 : 0;
  }
  const crypto::Choice cipher = TRY(crypto::choose_backend());
  TRY(confine_tunnel({}, {}));
  Probe probe(*cipher.aead, std::move(udp), options.configured);
  const Instant began = read_clocks().boot;
  TRY(probe.start(change, options.mtu));

  const auto look = [&](std::size_t i) {
    PeerFacts& facts = peers[i];
    const Peer* peer = probe.peer(change.peers[i].public_key);
    if (peer == nullptr || change.peers[i].persistent_keepalive_s == 0) return true;
    facts.tried = true;
    if (facts.handshake) return true;
    if (peer->last_handshake)
      facts.handshake = std::chrono::ceil<std::chrono::milliseconds>(read_clocks().boot - began);
    const Evidence evidence = probe.evidence(*peer);
    facts.finding = find(evidence);
    facts.diagnosis = sentence(facts.finding, evidence);
    return facts.handshake.has_value();
  };
  probe.run_until(
      [&] {
        bool done = true;
        for (std::size_t i = 0; i < peers.size(); ++i) done &= look(i);
        return done;
      },
      handshake_patience);
  for (std::size_t i = 0; i < peers.size(); ++i) {
    peers[i].mtu = options.mtu;
    if (peers[i].handshake) try_data(probe, config, config.peers[i], *probe.peer(change.peers[i].public_key), peers[i]);
  }
  return {};
}

}  // namespace wg4::doctor
