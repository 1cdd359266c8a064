#include "wg4netns/daemon/observe.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include "shared/base/version.h"
#include "shared/sys/landlock.h"
#include "shared/sys/log.h"
#include "wg4netns/capture/block_buffer.h"
#include "wg4netns/capture/capture_file.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"
#include "wg4netns/metrics/metrics_socket.h"

namespace wg4 {
namespace {

/// The metrics server's place in the loop.
class MetricsSource final : public EventSource {
 public:
  explicit MetricsSource(metrics::MetricsServer server) : server_(std::move(server)) {}

  [[nodiscard]] int fd() const override { return server_.fd(); }
  [[nodiscard]] Result<AfterTurn> turn(Now now) override {
    server_.turn(now.boot.time_since_epoch());
    return AfterTurn::go_on;
  }
  [[nodiscard]] std::optional<Instant> next_deadline() const override {
    const auto next = server_.next_deadline();
    return next ? std::optional(Instant(*next)) : std::nullopt;
  }

 private:
  metrics::MetricsServer server_;
};

metrics::PeerSample sample_of(const Peer& peer, const Device& device) {
  return {.public_key = peer.public_key(),
          .friendly_name = {},
          .allowed_ips = device.allowed_ips(peer.id, metrics::max_listed_prefixes + 1),
          .last_handshake = peer.last_handshake,
          .rx_bytes = peer.rx_bytes,
          .tx_bytes = peer.tx_bytes};
}

metrics::ProcessSample sample_of(const ProcessUsage& usage) {
  metrics::ProcessSample sample{.cpu_seconds = std::chrono::duration<double>(ProcessUsage::processor_time()).count(),
                                .resident_bytes = {},
                                .virtual_bytes = {}};
  if (const auto memory = usage.memory()) {
    sample.resident_bytes = memory->resident_bytes;
    sample.virtual_bytes = memory->virtual_bytes;
  }
  return sample;
}

}  // namespace

Result<Observers> Observers::open(const ObserveOptions& options, const WgConfig& config) {
  Observers observers;
  if (options.pcap_keys) capture::warn_of_keys("--pcap-keys");
  if (!options.pcap.empty()) observers.capture_file_.emplace(TRY(capture::CaptureFile::open(options.pcap)));
  observers.capture_keys_ = options.pcap_keys;
  if (options.metrics.empty()) return observers;
  observers.metrics_socket_ = TRY(metrics::MetricsSocket::open(options.metrics));
  observers.usage_ = ProcessUsage::open();
  for (const PeerConfig& peer : config.peers)
    if (!peer.friendly_name.empty()) observers.names_.emplace(peer.public_key, peer.friendly_name);
  return observers;
}

void Observers::prepare_captures(const std::string& interface, std::uint16_t udp_port, SharedDevice& device,
                                 bool live) {
  if (capture_file_ || live) taps_ = std::make_unique<capture::Taps>();
  if (taps_ && !may_probe_routes()) taps_->do_without_probes();
  if (!capture_file_) return;
  const std::string application = "wireguard4netns " + std::string(version);
  capture_ = std::make_unique<capture::Capture>(
      *std::move(capture_file_),
      capture::BlockBuffer::Names{.application = application, .interface = interface, .with_keys = capture_keys_},
      udp_port);
  taps_->add(*capture_);
  if (capture_keys_) device.hold()->set_key_observer(taps_.get());
}

void Observers::add_needs(TunnelNeeds& needs) const {
  if (capture_) needs.threads = true;
  needs.route_probes = taps_ && may_probe_routes();
  if (!metrics_socket_) return;
  needs.serving = true;
  needs.rereads_files = usage_->fd() >= 0;
}

/// A process that may call connect(2) can connect even a TCP socket that it has accepted; only Landlock forbids that.
bool Observers::may_probe_routes() const {
  constexpr long first_with_tcp = 4;
  return !metrics_socket_ || !metrics_socket_->is_tcp() || landlock_version() >= first_with_tcp;
}

Result<std::unique_ptr<EventSource>> Observers::start(const TunnelFacts& tunnel, SharedDevice& device) {
  if (capture_) TRY(capture_->start());
  if (!metrics_socket_) return nullptr;
  const std::string name = metrics_socket_->name();
  auto render = [this, facts = metrics_facts(tunnel), &device]() mutable {
    facts.mtu = device.hold().mtu();  // a reload changes it
    return metrics::render(facts, sample(device));
  };
  auto server = TRY(metrics::MetricsServer::create(*std::exchange(metrics_socket_, std::nullopt), std::move(render)));
  log::info("metrics: {}", name);
  return std::make_unique<MetricsSource>(std::move(server));
}

metrics::Sample Observers::sample(SharedDevice& shared) const {
  metrics::Sample sample;
  {
    auto device = shared.hold();
    for (PeerId id = 0; id < device->peer_id_end(); ++id) {
      const Peer* peer = device->peer(id);
      if (peer == nullptr) continue;
      if (sample.peers.size() < metrics::max_listed_peers) sample.peers.push_back(sample_of(*peer, *device));
    }
    sample.peer_count = device->peer_count();
    sample.drops = device->drops();
    sample.handshakes = {.completed = device.count_of(EventKind::handshake_completed),
                         .unanswered = device.count_of(EventKind::handshake_unanswered),
                         .gave_up = device.count_of(EventKind::handshake_gave_up)};
    sample.roamed = device.count_of(EventKind::roamed);
    sample.expired_sessions = device.count_of(EventKind::keys_expired);
    sample.edges = device.edge_drops();
    sample.sealed = device->sealed_batches();
    sample.opened = device->opened_batches();
    const auto [staged, handshakes] = device->queue_depths();
    sample.staged_packets = staged;
    sample.queued_handshakes = handshakes;
  }
  for (metrics::PeerSample& peer : sample.peers)
    if (const auto name = names_.find(peer.public_key); name != names_.end()) peer.friendly_name = name->second;
  if (capture_) {
    const auto [packets, dropped] = capture_->counts();
    sample.capture = {.packets = packets, .dropped = dropped};
  }
  sample.process = sample_of(*usage_);
  return sample;
}

}  // namespace wg4
