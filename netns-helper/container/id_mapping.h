#pragma once
// Gives a new user namespace its users and groups. Hosts differ in what they permit, so this is a ladder: the first
// rung that works is used, and the result says which it was. id_plan.h has what is mapped.

#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "netns-helper/container/id_plan.h"
#include "netns-helper/container/userns_facts.h"
#include "shared/base/result.h"

namespace wg4::container {

enum class Rung : std::uint8_t {
  direct,           ///< this process writes both maps, and setgroups(2) is denied inside; never with sub_ids
  helper,           ///< newuidmap(1) and newgidmap(1) write them
  uid_only,         ///< as direct, but for groups: inside they are all nogroup
  helper_uid_only,  ///< as helper, but for groups
};

/// "direct", "helper", "uid only", "helper, uid only".
[[nodiscard]] std::string_view to_string(Rung rung);

/// How it went.
struct IdMapping {
  Rung rung = Rung::direct;
  uid_t uid = 0;  ///< the user's inside
  gid_t gid = 0;  ///< the user's group inside; the kernel's overflow id if no group is mapped
  bool sub_ids = false;
};

/// By which numbers the kernel names users and groups that are not mapped: nobody's.
struct OverflowIds {
  uid_t uid = 0;
  gid_t gid = 0;
};
[[nodiscard]] OverflowIds overflow_ids(const HostFolders& folders = {});

/// Maps the ids of `process`, a child of this one that has just made a user namespace (unshare(2)), is still dumpable,
/// and waits. To be called outside of that namespace, by the user who owns it, without no_new_privs if a helper may be
/// needed. An error's `what` has several lines: what each rung said, what this host is like, the next step.
[[nodiscard]] Result<IdMapping> map_ids(pid_t process, const IdPlan& plan, const HostFolders& folders = {});

}  // namespace wg4::container
