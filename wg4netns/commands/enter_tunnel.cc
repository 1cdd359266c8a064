#include "wg4netns/commands/enter_tunnel.h"

#include <sched.h>

#include <cerrno>

namespace wg4 {

Result<void> enter_tunnel(const keeper::Room& room) {
  // The user's first: it gives the rights for the others.
  if (setns(room.user.get(), CLONE_NEWUSER) != 0) return fail("enter the tunnel's user namespace", errno);
  if (setns(room.mounts.get(), CLONE_NEWNS) != 0) return fail("enter the tunnel's mount namespace", errno);
  if (setns(room.net.get(), CLONE_NEWNET) != 0) return fail("enter the tunnel's network namespace", errno);
  if (room.pids.valid() && setns(room.pids.get(), CLONE_NEWPID) != 0)
    return fail("enter the tunnel's PID namespace", errno);
  return {};
}

Result<container::Confined> confine_in_tunnel(const keeper::Room& room) {
  return container::confine_command(
      {.no_new_privs = !room.ids.sub_ids, .capabilities = container::container_capabilities});
}

}  // namespace wg4
