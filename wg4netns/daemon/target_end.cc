#include "wg4netns/daemon/target_end.h"

#include <utility>

#include "shared/base/unique_fd.h"

namespace wg4 {

Result<TargetEnd> watch_target(const AttachCommand& command, Target& target) {
  TargetEnd end;
  if (command.until_given_up)
    end.given_up = TRY(NetnsWatch::create(std::move(target.process), target.is_process ? "" : command.target));
  else if (target.is_process)
    end.last_process = TRY(
        TargetWatch::create(std::move(target.process), target.namespaces.net.get(), command.tunnel.sandbox.enabled()));
  return end;
}

Result<void> watch_control_socket(TargetEnd& end, const uapi::ControlSocket& control) {
  end.given_up = TRY(NetnsWatch::create(UniqueFd(), control.path()));
  return {};
}

Result<AfterTurn> LastProcessSource::turn(Now) {
  TRY(watch_.end());
  return AfterTurn::end;
}

}  // namespace wg4
