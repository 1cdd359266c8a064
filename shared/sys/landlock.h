#pragma once
// Landlock (landlock(7), Linux 5.13): a process gives up access to the file system and to TCP, with exceptions. Open
// descriptors keep their rights. A process under Landlock can also not trace or inspect a process that is not
// (ptrace(2), and the same rights in /proc).

#include <cstdint>
#include <vector>

#include "shared/base/result.h"

namespace wg4 {

/// An exception: rights on a file, or on everything below a directory.
struct LandlockPath {
  int fd = -1;               ///< may be O_PATH
  std::uint64_t access = 0;  ///< LANDLOCK_ACCESS_FS_ bits of linux/landlock.h
};

/// The rights that stay. Everything else that this kernel's Landlock can deny is denied.
struct LandlockPolicy {
  std::vector<LandlockPath> paths;
  bool tcp_bind = false;
  bool tcp_connect = false;
  std::vector<std::uint16_t> tcp_ports{};  ///< the only ones to connect to, without `tcp_connect`
};

/// 0 where the kernel has no Landlock, or was started without it.
[[nodiscard]] long landlock_version();
[[nodiscard]] inline bool has_landlock() { return landlock_version() > 0; }

/// Whether Landlock of this kernel (Linux 6.12) can restrict signals.
[[nodiscard]] bool can_scope_signals();

/// This process and its descendants can signal only each other, for good; files and TCP stay as they are. Needs
/// no_new_privs, or CAP_SYS_ADMIN in this process's user namespace.
[[nodiscard]] Result<void> scope_signals();

/// In force for this thread and its children, for good. no_new_privs must be set.
[[nodiscard]] Result<void> restrict_by_landlock(const LandlockPolicy& policy);

}  // namespace wg4
