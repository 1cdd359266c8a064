// Order: a Landlock domain and a filter of system calls need no_new_privs or CAP_SYS_ADMIN, and locking the securebits
// and shrinking the bounding set need CAP_SETPCAP. So the capabilities go last.

#include "netns-helper/container/confine_command.h"

#include <linux/securebits.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "netns-helper/container/filter/choice.h"
#include "netns-helper/container/filter/policy.h"
#include "netns-helper/container/filter/presets.h"
#include "shared/sys/capabilities.h"
#include "shared/sys/landlock.h"

namespace wg4::container {
namespace {

/// Root is a user like others, and whatever ids a process takes, it gains nothing by it. KEEP_CAPS, which is of no use
/// without capabilities, is not locked: ping(8) sets it, and takes a refusal for a fault.
constexpr unsigned long no_rights_by_ids = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                           SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                           SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

Result<void> refuse_typing_into_the_terminal() {
  return filter::install({.program = TRY(filter::compile(filter::make_tty_policy()))});
}

Result<void> give_up_capabilities(std::uint64_t allowed) {
  if (allowed == 0 && prctl(PR_SET_SECUREBITS, no_rights_by_ids, 0, 0, 0) != 0)
    return fail("lock the securebits", errno);
  // Another user than root gets them only from a set-user-id program, such as sudo.
  return limit_capabilities({.in_effect = geteuid() == 0 ? allowed : 0, .bounding = allowed});
}

}  // namespace

Result<Confined> confine_command(const Confinement& confinement) {
  if (confinement.no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail("set no_new_privs", errno);
  Confined confined{.signals_scoped = can_scope_signals()};
  if (confined.signals_scoped) TRY(scope_signals());
  TRY(refuse_typing_into_the_terminal());
  TRY(give_up_capabilities(confinement.capabilities));
  return confined;
}

}  // namespace wg4::container
