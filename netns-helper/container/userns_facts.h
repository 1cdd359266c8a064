#pragma once
// What this host lets an ordinary user do with user namespaces, for the errors of code that was refused.

#include <string>

#include "netns-helper/container/id_plan.h"
#include "shared/base/result.h"
#include "shared/sys/sub_ids.h"

namespace wg4::container {

/// Where to look; parameters for tests.
struct HostFolders {
  std::string proc = "/proc";
  std::string etc = "/etc";
};

/// Lines "  NAME: VALUE": the sysctls, the security label of this process, newuidmap and newgidmap, the user's
/// subordinate ids.
[[nodiscard]] std::string userns_facts(const SubIdSetup& setup, const HostFolders& folders = {});

/// What the user can do where no ids can be mapped.
[[nodiscard]] std::string next_step(const SubIdSetup& setup, const IdPlan& plan, const HostFolders& folders = {});

/// The error of an unshare(2) or clone(2) that refused to make a user namespace, with errno `number`. `what` has
/// several lines, and the last one is the next step.
[[nodiscard]] Error userns_refused(int number, const HostFolders& folders = {});

}  // namespace wg4::container
