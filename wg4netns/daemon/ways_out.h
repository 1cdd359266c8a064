#pragma once
// Ways out beside the tunnel (forward/ways.h), by a process of their own, which never had a key.

#include <optional>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/forward/forwarder.h"

namespace wg4 {

class WaysOut {
 public:
  /// The process; nothing if `command` wants no ways. To be called before any secret is read.
  [[nodiscard]] static Result<std::optional<WaysOut>> prepare(const AttachCommand& command);

  /// `listeners` are in the namespace; they are served when this returns.
  [[nodiscard]] Result<void> open(std::vector<UniqueFd> listeners);
  [[nodiscard]] forward::Forwarder& process() { return forwarder_; }

 private:
  explicit WaysOut(forward::Forwarder forwarder) : forwarder_(std::move(forwarder)) {}

  forward::Forwarder forwarder_;
};

}  // namespace wg4
