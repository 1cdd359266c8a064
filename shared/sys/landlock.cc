#include "shared/sys/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "shared/base/unique_fd.h"

// Each version of Landlock knows more rights, and refuses unknown ones. Headers of Linux 6.1 end with version 2, so
// later constants are defined here; the C library has no wrappers for the system calls.

namespace wg4 {
namespace {

constexpr std::uint64_t fs_version_1 = (std::uint64_t{1} << 13) - 1;  // EXECUTE ... MAKE_SYM
constexpr std::uint64_t fs_refer = std::uint64_t{1} << 13;            // version 2
constexpr std::uint64_t fs_truncate = std::uint64_t{1} << 14;         // 3
constexpr std::uint64_t fs_ioctl_dev = std::uint64_t{1} << 15;        // 5
constexpr std::uint64_t net_bind_tcp = 1U << 0U;                      // 4
constexpr std::uint64_t net_connect_tcp = 1U << 1U;                   // 4
constexpr std::uint64_t scope_abstract_socket = 1U << 0U;             // 6: connections to those of other processes
constexpr std::uint64_t scope_signal = 1U << 1U;                      // 6: signals to other processes

/// struct landlock_net_port_attr, and the number of its kind of rule.
struct PortRule {
  std::uint64_t access;
  std::uint64_t port;
};
constexpr int rule_net_port = 2;

/// struct landlock_ruleset_attr as of version 6; earlier kernels accept zeros in the fields that they do not know.
struct RulesetAttributes {
  std::uint64_t fs;
  std::uint64_t net;
  std::uint64_t scoped;
};

RulesetAttributes everything_deniable(long version, const LandlockPolicy& policy) {
  RulesetAttributes denied{.fs = fs_version_1, .net = 0, .scoped = 0};
  if (version >= 2) denied.fs |= fs_refer;
  if (version >= 3) denied.fs |= fs_truncate;
  if (version >= 5) denied.fs |= fs_ioctl_dev;
  if (version >= 4 && !policy.tcp_bind) denied.net |= net_bind_tcp;
  if (version >= 4 && !policy.tcp_connect) denied.net |= net_connect_tcp;
  // Signals are not restricted: we end our own children, some of which are under other rules.
  if (version >= 6) denied.scoped |= scope_abstract_socket;
  return denied;
}

Result<UniqueFd> make_ruleset(const RulesetAttributes& denied) {
  UniqueFd ruleset(static_cast<int>(syscall(SYS_landlock_create_ruleset, &denied, sizeof denied, 0)));
  if (!ruleset.valid()) return fail("make Landlock rules", errno, "Linux 5.13 has Landlock, unless it is switched off");
  return ruleset;
}

Result<void> put_in_force(const UniqueFd& ruleset) {
  if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0) return {};
  const int number = errno;
  return fail("put Landlock rules in force", number,
              number == E2BIG
                  ? "Processes can be under 16 layers of such rules, and this one is: start it further outside"
                  : "");
}

}  // namespace

long landlock_version() {
  const long found = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return found < 0 ? 0 : found;
}

Result<void> restrict_by_landlock(const LandlockPolicy& policy) {
  const RulesetAttributes denied = everything_deniable(landlock_version(), policy);
  const UniqueFd ruleset = TRY(make_ruleset(denied));
  for (const LandlockPath& path : policy.paths) {
    const landlock_path_beneath_attr allowed{.allowed_access = path.access, .parent_fd = path.fd};
    if (syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &allowed, 0) != 0)
      return fail("make a Landlock rule", errno);
  }
  for (const std::uint16_t port : policy.tcp_ports) {
    const PortRule allowed{.access = denied.net & net_connect_tcp, .port = port};
    if (allowed.access != 0 && syscall(SYS_landlock_add_rule, ruleset.get(), rule_net_port, &allowed, 0) != 0)
      return fail("make a Landlock rule", errno);
  }
  return put_in_force(ruleset);
}

bool can_scope_signals() { return landlock_version() >= 6; }

Result<void> scope_signals() { return put_in_force(TRY(make_ruleset({.fs = 0, .net = 0, .scoped = scope_signal}))); }

}  // namespace wg4
