#pragma once

#include <optional>
#include <string>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/unique_file.h"
#include "shared/sys/unix_listener.h"
#include "wg4netns/metrics/http_request.h"

namespace wg4::metrics {

/// Where metrics are served: a TCP port of the host, or a UNIX socket.
class MetricsSocket {
 public:
  /// `where` is "127.0.0.1:9586", "[::1]:9586" or "unix:/some/path". Logs a warning when other machines can reach it.
  [[nodiscard]] static Result<MetricsSocket> open(const std::string& where);

  [[nodiscard]] int fd() const { return unix_ ? unix_->fd() : tcp_.get(); }
  [[nodiscard]] bool is_tcp() const { return tcp_.valid(); }
  /// Which names a request may give for the server: if only this machine reaches the socket, no DNS name but localhost.
  [[nodiscard]] Hosts hosts() const { return hosts_; }
  /// Hands over the socket's file, which its new owner removes; empty for TCP.
  [[nodiscard]] UniqueFile take_file() { return unix_ ? unix_->take_file() : UniqueFile(); }
  /// For a log line; with the port that the system chose if 0 was requested.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  MetricsSocket() = default;

  UniqueFd tcp_;
  std::optional<UnixListener> unix_;
  Hosts hosts_ = Hosts::any;
  std::string name_;
};

}  // namespace wg4::metrics
