#pragma once

#include <optional>
#include <string>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/unix_listener.h"
#include "wg4netns/metrics/http_request.h"

namespace wg4::metrics {

/// Where metrics are asked for: a TCP port of the host, or a UNIX socket.
class MetricsSocket {
 public:
  /// `where` is "127.0.0.1:9586", "[::1]:9586" or "unix:/some/path". Logs a warning when other machines reach it.
  [[nodiscard]] static Result<MetricsSocket> open(const std::string& where);

  [[nodiscard]] int fd() const { return unix_ ? unix_->fd() : tcp_.get(); }
  /// Where a socket file will be removed, O_PATH; nothing for TCP.
  [[nodiscard]] std::optional<int> folder() const { return unix_ ? std::optional(unix_->folder()) : std::nullopt; }
  /// A socket of this machine alone is called by no name that somebody else gives to it.
  [[nodiscard]] Hosts hosts() const { return hosts_; }
  /// For a log line; with the port that the system chose where 0 was asked for.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  MetricsSocket() = default;

  UniqueFd tcp_;
  std::optional<UnixListener> unix_;
  Hosts hosts_ = Hosts::any;
  std::string name_;
};

}  // namespace wg4::metrics
