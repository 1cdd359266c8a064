#pragma once

#include <cstdint>
// The system calls that are left to the helper once its TUN is made and handed over.

#include "shared/sys/seccomp.h"

namespace wg4 {

enum class HelperRole : std::uint8_t {
  configures,  ///< receives the plan, puts it in force by netlink, and ends
  dials,       ///< then stays, and hands out sockets that are connected in the namespace
};

/// To be called by the process that it is for: some lines hold its pid.
[[nodiscard]] SyscallTable helper_syscalls(HelperRole role);

}  // namespace wg4
