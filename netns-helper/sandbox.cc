#include "netns-helper/sandbox.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "shared/sys/process.h"

namespace wg4 {

Result<void> protect_process(int keep) {
  // Run from memory, the process would otherwise be called by a number.
  prctl(PR_SET_NAME, "wg4netns-helper");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail("set no_new_privs", errno);
  // Before Linux 5.9 close_range fails; the host program leaves nothing open anyway.
  if (keep > STDERR_FILENO + 1) close_range(STDERR_FILENO + 1, static_cast<unsigned>(keep) - 1, 0);
  close_range(static_cast<unsigned>(keep) + 1, UINT_MAX, 0);
  return {};
}

Result<void> stay_with_parent(pid_t parent) {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail("set this process not dumpable", errno);
  if (!die_with_parent(parent)) return fail("the host program has ended");
  return {};
}

Result<void> keep_capabilities(std::uint64_t mask) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return fail("read the capabilities", errno);
  const std::array kept{static_cast<std::uint32_t>(mask), static_cast<std::uint32_t>(mask >> 32)};
  for (std::size_t word = 0; word < sets.size(); ++word) {
    const std::uint32_t both = kept[word] & sets[word].permitted;
    sets[word] = {.effective = both, .permitted = both, .inheritable = 0};
  }
  if (syscall(SYS_capset, &header, sets.data()) != 0) return fail("drop capabilities", errno);
  return {};
}

}  // namespace wg4
