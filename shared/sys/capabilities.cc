#include "shared/sys/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace wg4 {
namespace {

/// False, with errno set, if capabilities that are not in `mask` stay in the set.
bool shrink_bounding_set(std::uint64_t mask) {
  for (unsigned long capability = 0;; ++capability) {
    const int has = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (has < 0) return true;  // there is no such capability
    const bool stays = capability < 64 && (mask >> capability & 1U) != 0;
    if (has > 0 && !stays && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return false;
  }
}

Result<void> shrink_other_sets(std::uint64_t mask) {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return fail("read the capabilities", errno);
  const std::array kept{static_cast<std::uint32_t>(mask), static_cast<std::uint32_t>(mask >> 32U)};
  for (std::size_t word = 0; word < sets.size(); ++word) {
    const std::uint32_t both = kept[word] & sets[word].permitted;
    sets[word] = {.effective = both, .permitted = both, .inheritable = 0};
  }
  if (syscall(SYS_capset, &header, sets.data()) != 0) return fail("drop capabilities", errno);
  return {};
}

}  // namespace

Result<void> keep_capabilities(std::uint64_t mask) {
  static_cast<void>(shrink_bounding_set(mask));
  return shrink_other_sets(mask);
}

Result<void> limit_capabilities(const CapabilityLimits& limits) {
  if (!shrink_bounding_set(limits.bounding)) return fail("limit the capabilities that programs can gain", errno);
  return shrink_other_sets(limits.in_effect);
}

}  // namespace wg4
