#include "wg4netns/daemon/endpoint_updates.h"

#include "wg4netns/core/control.h"

namespace wg4 {

Result<AfterTurn> EndpointUpdates::turn(Now now) {
  if (const DeviceChange change = endpoints_.answered(now.boot); !change.peers.empty())
    TRY(device_.hold()->apply(change, now, output_));
  endpoints_.expire(now.boot);
  return endpoints_.resolver_ended() ? AfterTurn::unwatch : AfterTurn::go_on;
}

}  // namespace wg4
