#pragma once
// The end of the target that the tunnel is attached to, which ends the tunnel.

#include <optional>

#include "shared/base/result.h"
#include "shared/sys/netns_watch.h"
#include "wg4netns/core/time.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/event_source.h"
#include "wg4netns/daemon/target.h"
#include "wg4netns/daemon/target_watch.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {

struct TargetEnd {
  std::optional<TargetWatch> last_process;  ///< of the namespace
  std::optional<NetnsWatch> given_up;       ///< the namespace, by its creator: its path has gone, or its process
};

/// Takes over the target's process. To be called before any secret is read.
[[nodiscard]] Result<TargetEnd> watch_target(const AttachCommand& command, Target& target);

/// Adds the end of the control socket, for an interface that wg(8) configures.
[[nodiscard]] Result<void> watch_control_socket(TargetEnd& end, const uapi::ControlSocket& control);

/// The last process of the namespace has ended, as far as could be seen. Fails if the watcher has failed.
class LastProcessSource final : public EventSource {
 public:
  explicit LastProcessSource(TargetWatch& watch) : watch_(watch) {}
  [[nodiscard]] int fd() const override { return watch_.fd(); }
  [[nodiscard]] Result<AfterTurn> turn(Now now) override;

 private:
  TargetWatch& watch_;
};

/// The namespace has been given up. One for each of the watch's descriptors.
class GivenUpSource final : public EventSource {
 public:
  GivenUpSource(NetnsWatch& watch, int fd) : watch_(watch), fd_(fd) {}
  [[nodiscard]] int fd() const override { return fd_; }
  [[nodiscard]] Result<AfterTurn> turn(Now) override { return watch_.gone() ? AfterTurn::end : AfterTurn::go_on; }

 private:
  NetnsWatch& watch_;
  int fd_;
};

}  // namespace wg4
