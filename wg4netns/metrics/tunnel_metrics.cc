#include "wg4netns/metrics/tunnel_metrics.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <string_view>

#include "shared/base/hex_base64.h"
#include "wg4netns/metrics/exposition.h"

namespace wg4::metrics {
namespace {

std::string list_of(const std::vector<Prefix>& prefixes) {
  std::string text;
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    if (i > 0) text += ',';
    if (i == max_listed_prefixes) return text + "...";
    text += prefixes[i].to_string();
  }
  return text;
}

/// One peer's labels, and the texts that they refer to: made once for all families.
class PeerLabels {
 public:
  PeerLabels(const std::string& interface, const PeerSample& peer)
      : key_(encode_base64(peer.public_key)), prefixes_(list_of(peer.allowed_ips)) {
    labels_ = {Label{"interface", interface}, {"public_key", key_}, {"allowed_ips", prefixes_}};
    if (peer.friendly_name.empty()) return;
    labels_[count_++] = {"friendly_name", peer.friendly_name};
  }
  PeerLabels(const PeerLabels&) = delete;
  PeerLabels& operator=(const PeerLabels&) = delete;

  [[nodiscard]] Labels get() const { return Labels(labels_).first(count_); }

 private:
  std::string key_;
  std::string prefixes_;
  std::array<Label, 4> labels_;
  std::size_t count_ = 3;
};

std::uint64_t unix_seconds(const std::optional<WallTime>& time) {
  if (!time) return 0;
  return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(time->time_since_epoch()).count());
}

void add_peers(Exposition& out, const Facts& facts, const Sample& sample) {
  std::deque<PeerLabels> labels;
  for (const PeerSample& peer : sample.peers) labels.emplace_back(facts.interface, peer);
  const auto each = [&](auto value) {
    for (std::size_t i = 0; i < labels.size(); ++i) out.sample(labels[i].get(), value(sample.peers[i]));
  };
  out.family("wireguard_sent_bytes_total", Type::counter, "Bytes sent to the peer");
  each([](const PeerSample& peer) { return peer.tx_bytes; });
  out.family("wireguard_received_bytes_total", Type::counter, "Bytes received from the peer");
  each([](const PeerSample& peer) { return peer.rx_bytes; });
  out.family("wireguard_latest_handshake_seconds", Type::gauge,
             "When the last handshake was completed, as UNIX timestamp; 0 for never");
  each([](const PeerSample& peer) { return unix_seconds(peer.last_handshake); });

  const std::string& interface = facts.interface;
  out.family("wireguard4netns_peers", Type::gauge, "Peers that are configured");
  out.sample({{"interface", interface}}, std::uint64_t{sample.peer_count});
  out.family("wireguard4netns_peers_not_listed", Type::gauge, "Peers without series of their own: there are too many");
  out.sample({{"interface", interface}}, std::uint64_t{sample.peer_count - sample.peers.size()});
}

void add_drops(Exposition& out, const Facts& facts, const Sample& sample) {
  const std::string& interface = facts.interface;
  out.family("wireguard4netns_dropped_packets_total", Type::counter, "Packets and messages that were dropped, and why");
  for (std::size_t i = 0; i < drop_reason_count; ++i) {
    const auto reason = static_cast<DropReason>(i);
    out.sample({{"interface", interface}, {"reason", name(reason)}}, sample.drops[reason]);
  }
  out.family("wireguard4netns_io_errors_total", Type::counter,
             "What the TUN or the UDP socket did not take, or gave that made no sense; a group of packets counts once");
  const auto error = [&](std::string_view what, std::uint64_t count) {
    out.sample({{"interface", interface}, {"operation", what}}, count);
  };
  error("tun-read", sample.edges.tun_malformed);
  error("tun-write", sample.edges.tun_refused);
  error("udp-send", sample.edges.udp_refused);
  error("udp-queue", sample.edges.udp_overflow);
}

void add_handshakes(Exposition& out, const Facts& facts, const Sample& sample) {
  const std::string& interface = facts.interface;
  const DropCounters& drops = sample.drops;
  out.family("wireguard4netns_handshakes_total", Type::counter,
             "Handshakes by outcome; unanswered: a message was sent again; rejected: a message of somebody else's");
  const auto outcome = [&](std::string_view what, std::uint64_t count) {
    out.sample({{"interface", interface}, {"outcome", what}}, count);
  };
  outcome("completed", sample.handshakes.completed);
  outcome("unanswered", sample.handshakes.unanswered);
  outcome("gave-up", sample.handshakes.gave_up);
  outcome("rejected", drops[DropReason::bad_mac1] + drops[DropReason::handshake_rejected]);
  outcome("replayed", drops[DropReason::handshake_replayed]);
  out.family("wireguard4netns_roamed_total", Type::counter, "How often a peer was heard from at a new address");
  out.sample({{"interface", interface}}, sample.roamed);
  out.family("wireguard4netns_expired_sessions_total", Type::counter,
             "How often a peer's session keys were wiped because no new session followed");
  out.sample({{"interface", interface}}, sample.expired_sessions);
}

void add_batches(Exposition& out, const Facts& facts, const Sample& sample) {
  out.family("wireguard4netns_batch_datagrams", Type::histogram, "Datagrams that went through the cipher together");
  const auto add = [&](std::string_view direction, const BatchSizes& sizes) {
    std::array<Exposition::Bucket, BatchSizes::bucket_count> buckets;
    for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] = {static_cast<double>(BatchSizes::bound(i)), sizes[i]};
    const std::array<Label, 2> labels{Label{"interface", facts.interface}, {"direction", direction}};
    out.histogram(labels, buckets, static_cast<double>(sizes.datagrams()));
  };
  add("out", sample.sealed);
  add("in", sample.opened);
}

void add_state(Exposition& out, const Facts& facts, const Sample& sample) {
  constexpr std::uint64_t one = 1;
  const std::string& interface = facts.interface;
  out.family("wireguard4netns_queue_length", Type::gauge,
             "Handshake messages that wait for their turn; packets that wait for a session");
  out.sample({{"interface", interface}, {"queue", "handshakes"}}, std::uint64_t{sample.queued_handshakes});
  out.sample({{"interface", interface}, {"queue", "staged"}}, std::uint64_t{sample.staged_packets});
  out.family("wireguard4netns_aead_info", Type::gauge, "Implementation of the cipher");
  out.sample({{"interface", interface}, {"backend", facts.cipher}}, one);
  out.family("wireguard4netns_offload_active", Type::gauge, "What is left to the kernel: 1, or done without: 0");
  for (const Facts::Offload& offload : facts.offloads)
    out.sample({{"interface", interface}, {"offload", offload.name}}, std::uint64_t{offload.active ? 1U : 0U});
  out.family("wireguard4netns_threads", Type::gauge, "Threads that move packets");
  out.sample({{"interface", interface}}, std::uint64_t{facts.threads});
  out.family("wireguard4netns_mtu_bytes", Type::gauge, "MTU of the tunnel");
  out.sample({{"interface", interface}}, std::uint64_t{facts.mtu});
  out.family("wireguard4netns_build_info", Type::gauge, "The program's version");
  out.sample({{"version", facts.version}}, one);
}

void add_capture(Exposition& out, const Facts& facts, const CaptureSample& capture) {
  out.family("wireguard4netns_captured_packets_total", Type::counter, "Packets of the capture; dropped: without room");
  out.sample({{"interface", facts.interface}, {"result", "written"}}, capture.packets - capture.dropped);
  out.sample({{"interface", facts.interface}, {"result", "dropped"}}, capture.dropped);
}

/// Under the names that Prometheus's client libraries use.
void add_process(Exposition& out, const Facts& facts, const ProcessSample& process) {
  out.family("process_cpu_seconds_total", Type::counter, "Processor time of all threads, in user and system mode");
  out.sample({}, process.cpu_seconds);
  out.family("process_start_time_seconds", Type::gauge, "When the process began, as UNIX timestamp");
  out.sample({}, std::chrono::duration<double>(facts.start.time_since_epoch()).count());
  if (process.resident_bytes) {
    out.family("process_resident_memory_bytes", Type::gauge, "Memory that is in use");
    out.sample({}, *process.resident_bytes);
  }
  if (process.virtual_bytes) {
    out.family("process_virtual_memory_bytes", Type::gauge, "Address space that is in use");
    out.sample({}, *process.virtual_bytes);
  }
}

}  // namespace

std::string render(const Facts& facts, const Sample& sample) {
  Exposition out;
  add_peers(out, facts, sample);
  add_handshakes(out, facts, sample);
  add_drops(out, facts, sample);
  add_batches(out, facts, sample);
  add_state(out, facts, sample);
  if (sample.capture) add_capture(out, facts, *sample.capture);
  add_process(out, facts, sample.process);
  return out.text();
}

}  // namespace wg4::metrics
