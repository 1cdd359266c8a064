#pragma once
// The ports of the namespace that are published on the host: the process that has them, and the agent that dials for
// it.

#include <optional>
#include <utility>

#include "shared/base/result.h"
#include "shared/net/ip_address.h"
#include "shared/sys/process.h"
#include "shared/sys/unique_file.h"
#include "wg4netns/core/time.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/event_source.h"
#include "wg4netns/daemon/helper_process.h"
#include "wg4netns/forward/forward_loop.h"
#include "wg4netns/forward/forwarder.h"

namespace wg4 {

class PublishedPorts {
 public:
  /// Forks the process that will have them; nothing if `command` wants none. To be called before any secret is read.
  [[nodiscard]] static Result<std::optional<PublishedPorts>> prepare(const AttachCommand& command);

  /// All ports that `settings` ask for are open when this returns. Those that name no address in the namespace lead to
  /// `own_address`, unless `settings` name one for all; `agent` is the helper that stayed to dial for them.
  [[nodiscard]] Result<void> open(const forward::Settings& settings, const IpAddress& own_address, Agent agent);
  /// The file of the API's socket, for another process to remove; it may own nothing.
  [[nodiscard]] UniqueFile take_file() { return std::move(api_); }
  [[nodiscard]] forward::Forwarder& process() { return forwarder_; }

 private:
  explicit PublishedPorts(forward::Forwarder forwarder) : forwarder_(std::move(forwarder)) {}

  UniqueFile api_;
  std::optional<Child> agent_;
  forward::Forwarder forwarder_;  // last, so the ports go before the agent does
};

/// Fails when the process that has the ports ends, since the tunnel promises them.
class PortsEndSource final : public EventSource {
 public:
  explicit PortsEndSource(forward::Forwarder& process) : process_(process) {}
  [[nodiscard]] int fd() const override { return process_.fd(); }
  [[nodiscard]] Result<AfterTurn> turn(Now now) override;

 private:
  forward::Forwarder& process_;
};

}  // namespace wg4
