#pragma once

#include <optional>

#include "shared/base/result.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"
#include "wg4netns/daemon/endpoints.h"
#include "wg4netns/daemon/event_source.h"
#include "wg4netns/dataplane/shared_device.h"

namespace wg4 {

/// Gives the device the addresses that names resolve to, and has names looked up again when they are due.
class EndpointUpdates final : public EventSource {
 public:
  /// `output` is the first thread's.
  EndpointUpdates(Endpoints& endpoints, SharedDevice& device, Output& output)
      : endpoints_(endpoints), device_(device), output_(output) {}
  [[nodiscard]] int fd() const override { return endpoints_.fd(); }
  [[nodiscard]] std::optional<Instant> next_deadline() const override { return endpoints_.next_deadline(); }
  [[nodiscard]] Result<AfterTurn> turn(Now now) override;

 private:
  Endpoints& endpoints_;
  SharedDevice& device_;
  Output& output_;
};

}  // namespace wg4
