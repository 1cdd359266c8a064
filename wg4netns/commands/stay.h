#pragma once
// A command that stays as long as its tunnel, for a service manager or a terminal: up --foreground.

#include <utility>

#include "shared/base/result.h"
#include "shared/sys/service_manager.h"
#include "shared/sys/signals.h"
#include "wg4netns/supervise/keeper_client.h"

namespace wg4 {

class Stay {
 public:
  enum class End : unsigned char { tunnel, signal };

  /// From here on signals that would end this process are blocked until wait() takes them. To be called before the
  /// caller says that the tunnel is up, for a signal must end the tunnel from then on; and after children are forked,
  /// which would inherit the blocked signals. `keeper` outlives the object.
  [[nodiscard]] static Result<Stay> begin(keeper::Client& keeper);

  /// Until somebody has ended the tunnel, or SIGTERM, SIGINT or SIGHUP has come: then it is to be ended. An error if
  /// the tunnel has ended by itself.
  [[nodiscard]] Result<End> wait(ServiceManager& manager);

 private:
  Stay(keeper::Client& keeper, SignalFd signals) : keeper_(keeper), signals_(std::move(signals)) {}

  keeper::Client& keeper_;
  SignalFd signals_;
};

}  // namespace wg4
