#include "shared/sys/nobody.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>

#include "shared/base/unique_fd.h"
#include "shared/sys/capabilities.h"

namespace wg4 {
namespace {

// The kernel's number for users without a mapping (overflowuid), which is nobody's on every distribution; the group is
// "nogroup" or "nobody". All tunnels have this user, but their sandboxes isolate them from each other.
constexpr uid_t nobody = 65534;
constexpr gid_t no_group = 65534;

constexpr std::uint64_t for_the_change =
    (std::uint64_t{1} << CAP_SETUID) | (std::uint64_t{1} << CAP_SETGID) | (std::uint64_t{1} << CAP_SETPCAP);

}  // namespace

bool is_root_of_host() {
  if (geteuid() != 0) return false;
  const UniqueFd map(open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC));
  std::array<char, 128> text{};
  const ssize_t size = map.valid() ? read(map.get(), text.data(), text.size()) : -1;
  // One line, which maps all numbers to themselves: "         0          0 4294967295".
  return size > 0 && std::string_view(text.data(), static_cast<std::size_t>(size)).ends_with(" 0 4294967295\n");
}

Result<void> become_nobody(std::uint64_t rights) {
  TRY(keep_capabilities(rights | for_the_change));
  int end_with_parent = 0;  // cleared when the ids change, like the protection against tracing
  prctl(PR_GET_PDEATHSIG, &end_with_parent);
  prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  const bool changed = setgroups(0, nullptr) == 0 && setresgid(no_group, no_group, no_group) == 0 &&
                       setresuid(nobody, nobody, nobody) == 0;
  const int number = errno;
  prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  prctl(PR_SET_PDEATHSIG, end_with_parent);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  TRY(keep_capabilities(rights | for_the_change));  // in effect again
  TRY(keep_capabilities(rights));
  if (!changed) return fail("change from root to an ordinary user", number);
  return {};
}

}  // namespace wg4
