#pragma once
// Landlock (landlock(7), Linux 5.13): a process forbids itself the file system, and TCP, but for what it names.
// Descriptors that are open already keep their rights. A process under Landlock can also look at no other process that
// is not (ptrace(2) and its relatives in /proc).

#include <cstdint>
#include <vector>

#include "shared/base/result.h"

namespace wg4 {

/// Rights that stay, on a file or on all below a directory.
struct LandlockPath {
  int fd = -1;               ///< O_PATH will do
  std::uint64_t access = 0;  ///< LANDLOCK_ACCESS_FS_ bits of linux/landlock.h
};

/// What stays allowed. All else that this kernel's Landlock can deny is denied.
struct LandlockPolicy {
  std::vector<LandlockPath> paths;
  bool tcp_bind = false;
  bool tcp_connect = false;
};

/// 0 where the kernel has no Landlock, or was started without it.
[[nodiscard]] long landlock_version();
[[nodiscard]] inline bool has_landlock() { return landlock_version() > 0; }

/// In force for this thread and its children, for good. no_new_privs must be set.
[[nodiscard]] Result<void> restrict_by_landlock(const LandlockPolicy& policy);

}  // namespace wg4
