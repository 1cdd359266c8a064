#include "wg4netns/commands/enter_tunnel.h"

#include <sched.h>

#include <cerrno>

#include "netns-helper/container/command_rules.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/landlock.h"

namespace wg4 {

Result<void> enter_tunnel(const keeper::Room& room) {
  // The user's first: it gives the rights for the others.
  if (setns(room.user.get(), CLONE_NEWUSER) != 0) return fail("enter the tunnel's user namespace", errno);
  if (setns(room.mounts.get(), CLONE_NEWNS) != 0) return fail("enter the tunnel's mount namespace", errno);
  if (setns(room.net.get(), CLONE_NEWNET) != 0) return fail("enter the tunnel's network namespace", errno);
  if (room.pids.valid() && setns(room.pids.get(), CLONE_NEWPID) != 0)
    return fail("enter the tunnel's PID namespace", errno);
  for (const UniqueFd& other : room.others)
    if (setns(other.get(), 0) != 0) return fail("enter the container's namespaces", errno);
  return {};
}

Result<container::Confined> confine_in_tunnel(const keeper::Room& room) {
  if (room.rules.valid()) {
    const container::CommandRules rules = TRY(container::read_rules(room.rules.get()));
    TRY(container::obey(rules));
    return container::Confined{.signals_scoped = can_scope_signals()};
  }
  return container::confine_command(
      {.no_new_privs = !room.ids.sub_ids, .capabilities = container::container_capabilities});
}

}  // namespace wg4
