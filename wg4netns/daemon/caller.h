#pragma once
// The program that started this one: the descriptors that it left open for us, how it is told that the tunnel serves,
// and how it ends the tunnel.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/service_manager.h"
#include "shared/sys/signals.h"
#include "wg4netns/core/time.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/event_source.h"
#include "wg4netns/daemon/reloader.h"

namespace wg4 {

/// Takes over a descriptor that the caller of this program left open for it; `access` is what it is used for. Without
/// a number it is invalid.
[[nodiscard]] Result<UniqueFd> adopt_descriptor(std::optional<int> number, const std::string& option, int access);

struct Caller {
  SignalFd signals;             ///< SIGTERM, SIGINT, SIGHUP
  UniqueFd exit_fd;             ///< its hang-up ends the tunnel; may be invalid
  UniqueFd ready_fd;            ///< told once that the tunnel serves; may be invalid
  ServiceManager manager;       ///< likewise, and told of more
  pid_t namespace_owner = 0;    ///< Purpose's
  bool namespace_ends = false;  ///< that process has ended the tunnel

  /// From here on the signals are read, and no longer end the process. With `is_engine` the service manager is told
  /// nothing: a service in which an engine runs is not ready when its network is.
  [[nodiscard]] static Result<Caller> adopt(const TunnelOptions& options, bool is_engine);

  /// Says that the tunnel serves; `status` is a line for people. From here on the caller relies on the tunnel.
  [[nodiscard]] Result<void> tell_ready(std::string_view status);
};

/// SIGTERM and SIGINT end the tunnel; so does SIGHUP, if the tunnel cannot be reloaded.
class SignalSource final : public EventSource {
 public:
  /// `reloader` may be null.
  SignalSource(Caller& caller, const Reloader* reloader) : caller_(caller), reloader_(reloader) {}
  [[nodiscard]] int fd() const override { return caller_.signals.fd(); }
  [[nodiscard]] Result<AfterTurn> turn(Now now) override;

 private:
  Caller& caller_;
  const Reloader* reloader_;
};

/// --exit-fd: the tunnel ends when the caller has closed its end.
class ExitSource final : public EventSource {
 public:
  explicit ExitSource(const Caller& caller) : caller_(caller) {}
  [[nodiscard]] int fd() const override { return caller_.exit_fd.get(); }
  [[nodiscard]] std::uint32_t events() const override { return 0; }
  [[nodiscard]] Result<AfterTurn> turn(Now) override { return AfterTurn::end; }

 private:
  const Caller& caller_;
};

/// Tells the service manager as often as it demands that the loop turns, and wakes the loop for that.
class HeartbeatSource final : public EventSource {
 public:
  explicit HeartbeatSource(ServiceManager& manager);
  [[nodiscard]] int fd() const override { return -1; }
  [[nodiscard]] std::optional<Instant> next_deadline() const override { return next_; }
  [[nodiscard]] Result<AfterTurn> turn(Now now) override;

 private:
  ServiceManager& manager_;
  std::optional<Instant> next_;
};

/// Tells the service manager, which waits for it, that a reload has ended.
class ReloadEndSource final : public EventSource {
 public:
  ReloadEndSource(const Reloader& reloader, ServiceManager& manager) : reloader_(reloader), manager_(manager) {}
  [[nodiscard]] int fd() const override { return reloader_.fd(); }
  [[nodiscard]] Result<AfterTurn> turn(Now now) override;

 private:
  const Reloader& reloader_;
  ServiceManager& manager_;
};

}  // namespace wg4
