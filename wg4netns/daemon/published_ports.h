#pragma once
// The ports of the namespace that are published on the host: the process that has them, and what it needs of others.

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
  /// The process that will have them; nothing if `command` wants none. To be called before any secret is read.
  [[nodiscard]] static Result<std::optional<PublishedPorts>> prepare(const AttachCommand& command);

  /// All that `settings` ask for listens when this returns. Those that name no address in the namespace lead to
  /// `own_address`, if `settings` do not say either; `agent` is the helper that stayed to dial for them.
  [[nodiscard]] Result<void> open(const forward::Settings& settings, const IpAddress& own_address, Agent agent);
  /// The file of the API's socket, for somebody else to remove; it may own nothing.
  [[nodiscard]] UniqueFile take_file() { return std::move(api_); }
  [[nodiscard]] forward::Forwarder& process() { return forwarder_; }

 private:
  explicit PublishedPorts(forward::Forwarder forwarder) : forwarder_(std::move(forwarder)) {}

  UniqueFile api_;
  std::optional<Child> agent_;
  forward::Forwarder forwarder_;  // the ports go before who dials for them
};

/// Their process has ended, which it should not.
class PortsEndSource final : public EventSource {
 public:
  explicit PortsEndSource(forward::Forwarder& process) : process_(process) {}
  [[nodiscard]] int fd() const override { return process_.fd(); }
  [[nodiscard]] Result<AfterTurn> turn(Now now) override;

 private:
  forward::Forwarder& process_;
};

}  // namespace wg4
