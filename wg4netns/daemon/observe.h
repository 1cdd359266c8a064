#pragma once
// Metrics and captures, by which people look into a tunnel that serves. Their sockets and files are opened before the
// sandbox. They cost nothing where they are not asked for.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "shared/sys/process_usage.h"
#include "shared/sys/unique_file.h"
#include "wg4netns/capture/capture.h"
#include "wg4netns/capture/capture_file.h"
#include "wg4netns/capture/taps.h"
#include "wg4netns/daemon/event_source.h"
#include "wg4netns/daemon/sandbox.h"
#include "wg4netns/daemon/tunnel_facts.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/metrics/metrics_server.h"
#include "wg4netns/metrics/metrics_socket.h"
#include "wg4netns/metrics/tunnel_metrics.h"

namespace wg4 {

/// As the command line asks for it.
struct ObserveOptions {
  std::string metrics;     ///< ADDRESS:PORT or unix:PATH; empty = none
  std::string pcap;        ///< a file, or "-"; empty = none
  bool pcap_keys = false;  ///< with the keys that decrypt it
};

class Observers {
 public:
  /// Opens what `options` name. Friendly names of peers are taken from `config`.
  [[nodiscard]] static Result<Observers> open(const ObserveOptions& options, const WgConfig& config);

  /// Gets the capture ready, if one is wanted: its thread starts with start(). With `live` there may be more, later on.
  void prepare_captures(const std::string& interface, std::uint16_t udp_port, SharedDevice& device, bool live);
  /// For the tunnels; null if there will never be a capture.
  [[nodiscard]] capture::Taps* taps() const { return taps_.get(); }
  /// Adds what they need to do in the sandbox.
  void add_needs(TunnelNeeds& needs) const;
  /// The file of the metrics' socket, for another process to remove; it may own nothing.
  [[nodiscard]] UniqueFile take_file() { return metrics_socket_ ? metrics_socket_->take_file() : UniqueFile(); }
  /// The event source that serves metrics, or null; this and `device` outlive it.
  [[nodiscard]] Result<std::unique_ptr<EventSource>> start(const TunnelFacts& tunnel, SharedDevice& device);

 private:
  Observers() = default;
  [[nodiscard]] metrics::Sample sample(SharedDevice& shared) const;
  [[nodiscard]] bool may_probe_routes() const;

  std::optional<metrics::MetricsSocket> metrics_socket_;
  std::optional<ProcessUsage> usage_;
  std::map<PublicKey, std::string> names_;  // of peers, for people
  std::optional<capture::CaptureFile> capture_file_;
  bool capture_keys_ = false;
  std::unique_ptr<capture::Capture> capture_;
  std::unique_ptr<capture::Taps> taps_;
};

}  // namespace wg4
