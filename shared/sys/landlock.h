#pragma once
// Landlock (landlock(7), Linux 5.13): a process gives up access to the file system and to TCP, with exceptions. Open
// descriptors keep their rights. A process under Landlock can also not trace or inspect a process that is not
// (ptrace(2), and the same rights in /proc).

#include <cstdint>
#include <string>
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

/// What a process is kept from, each part alone; in brackets the version of Landlock that can do it. "Outside" are the
/// processes that are not in its domain: those that are neither it nor its descendants.
struct LandlockDomain {
  bool signals = false;           ///< signals to processes outside (6)
  bool abstract_sockets = false;  ///< connections to abstract UNIX sockets of processes outside (6)
  bool path_sockets = false;      ///< the same for sockets that have a path (9)
  bool files = false;             ///< files and folders, but for `paths` (1; 2, 3 and 5 have more kinds of access)
  bool tcp = false;               ///< TCP, but for the ports below (4)
  bool udp = false;               ///< UDP, but for the ports below (10)
  std::vector<LandlockPath> paths = {};
  std::vector<std::uint16_t> ports_to_bind = {};
  std::vector<std::uint16_t> ports_to_connect = {};
};

/// Those of its parts that this version cannot keep a process from, with the Linux that can: "signals (Linux 6.12)".
[[nodiscard]] std::vector<std::string> missing_parts(const LandlockDomain& domain, long version);

/// For LandlockPath: all kinds of access to files, or those that change nothing; of a file that is no folder, only
/// those that it can have. What a kernel does not know is left out when the domain is made.
[[nodiscard]] std::uint64_t full_file_access(bool is_folder);
[[nodiscard]] std::uint64_t reading_file_access(bool is_folder);

/// In force for this thread and its children, for good, as far as this kernel can. no_new_privs must be set, or the
/// thread have CAP_SYS_ADMIN in its user namespace. With `files` it can mount nothing any more.
[[nodiscard]] Result<void> enter_landlock_domain(const LandlockDomain& domain);

/// Whether Landlock of this kernel (Linux 6.12) can restrict signals.
[[nodiscard]] bool can_scope_signals();

/// This process and its descendants can signal only each other, for good; files and TCP stay as they are. Needs
/// no_new_privs, or CAP_SYS_ADMIN in this process's user namespace.
[[nodiscard]] Result<void> scope_signals();

/// In force for this thread and its children, for good. no_new_privs must be set.
[[nodiscard]] Result<void> restrict_by_landlock(const LandlockPolicy& policy);

}  // namespace wg4
