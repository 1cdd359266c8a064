#pragma once
// Which users and groups a user namespace has, and which of the host's each of them is (user_namespaces(7)).
//
//                inside            outside, for user 1001 with the line "alice:100000:65536" in /etc/subuid
//   own ids      1001              1001
//   root         0                 1001
//   sub_ids      0 ... 1000        100000 ... 101000
//                1001              1001                as Podman's --userns=keep-id
//                1002 ... 65536    101001 ... 165535
//   both         0                 1001
//                1 ... 65536       100000 ... 165535   as Podman's default

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "shared/sys/sub_ids.h"

namespace wg4::container {

struct IdPlan {
  bool root = false;                      ///< the user is root inside
  bool sub_ids = false;                   ///< with the user's ranges of /etc/subuid and /etc/subgid
  std::optional<std::uint32_t> uid = {};  ///< what the user is inside, in the place of `root`
  std::optional<std::uint32_t> gid = {};  ///< likewise, the group

  /// The plan whose `uid` counts for groups.
  [[nodiscard]] constexpr IdPlan for_groups() const {
    return {.root = root, .sub_ids = sub_ids, .uid = gid, .gid = gid};
  }
};

/// A line of uid_map or gid_map: `count` ids, from `inside` and from `outside` on.
struct IdMapLine {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;
  friend bool operator==(const IdMapLine&, const IdMapLine&) = default;
};

using IdMap = std::vector<IdMapLine>;

/// What the user `own` is inside; of plan.for_groups(), the group.
[[nodiscard]] constexpr std::uint32_t own_inside(const IdPlan& plan, std::uint32_t own) {
  return plan.uid.value_or(plan.root ? 0 : own);
}

/// `own` is the user's id outside; `ranges`, in the order in which they are used, count only for a plan with sub_ids.
/// Ids that occur twice, or that are `own`, are used once: the kernel refuses a map that is ambiguous. Of more ranges
/// than fit into a map, the first are used.
[[nodiscard]] IdMap plan_map(const IdPlan& plan, std::uint32_t own, std::span<const IdRange> ranges);

}  // namespace wg4::container
