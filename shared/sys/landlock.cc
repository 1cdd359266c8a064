#include "shared/sys/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "shared/base/unique_fd.h"

// Each version of Landlock knows more rights, and refuses unknown ones. Headers of Linux 6.1 end with version 2, so
// later constants are defined here; the C library has no wrappers for the system calls.

namespace wg4 {
namespace {

constexpr std::uint64_t fs_version_1 = (std::uint64_t{1} << 13) - 1;  // EXECUTE ... MAKE_SYM
constexpr std::uint64_t fs_refer = std::uint64_t{1} << 13;            // version 2
constexpr std::uint64_t fs_truncate = std::uint64_t{1} << 14;         // 3
constexpr std::uint64_t fs_ioctl_dev = std::uint64_t{1} << 15;        // 5
constexpr std::uint64_t fs_resolve_unix = std::uint64_t{1} << 16;     // 9: connections to sockets that have a path
constexpr std::uint64_t net_bind_tcp = 1U << 0U;                      // 4
constexpr std::uint64_t net_connect_tcp = 1U << 1U;                   // 4
constexpr std::uint64_t net_bind_udp = 1U << 2U;                      // 10
constexpr std::uint64_t net_connect_udp = 1U << 3U;                   // 10: also sends to a port
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

/// What of files that are no folders can be denied and allowed.
constexpr std::uint64_t fs_of_files = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                      LANDLOCK_ACCESS_FS_READ_FILE | fs_truncate | fs_ioctl_dev;

/// All kinds of access to files and folders that the version knows, without sockets.
std::uint64_t files_known_to(long version) {
  std::uint64_t known = version >= 1 ? fs_version_1 : 0;
  if (version >= 2) known |= fs_refer;
  if (version >= 3) known |= fs_truncate;
  if (version >= 5) known |= fs_ioctl_dev;
  return known;
}

/// A part of a LandlockDomain.
struct Part {
  bool LandlockDomain::* wanted;
  long version;
  const char* name;  // with the Linux that can do it
};
constexpr std::array parts{
    Part{&LandlockDomain::files, 1, "files (Linux 5.13)"},
    Part{&LandlockDomain::tcp, 4, "TCP ports (Linux 6.7)"},
    Part{&LandlockDomain::signals, 6, "signals (Linux 6.12)"},
    Part{&LandlockDomain::abstract_sockets, 6, "abstract UNIX sockets (Linux 6.12)"},
    Part{&LandlockDomain::path_sockets, 9, "UNIX sockets with a path (Linux 7.1)"},
    Part{&LandlockDomain::udp, 10, "UDP ports (Linux 7.2)"},
};

RulesetAttributes deniable_of(const LandlockDomain& domain, long version) {
  RulesetAttributes denied{.fs = 0, .net = 0, .scoped = 0};
  if (domain.files) denied.fs |= files_known_to(version);
  if (domain.path_sockets && version >= 9) denied.fs |= fs_resolve_unix;
  if (domain.tcp && version >= 4) denied.net |= net_bind_tcp | net_connect_tcp;
  if (domain.udp && version >= 10) denied.net |= net_bind_udp | net_connect_udp;
  if (domain.signals && version >= 6) denied.scoped |= scope_signal;
  if (domain.abstract_sockets && version >= 6) denied.scoped |= scope_abstract_socket;
  return denied;
}

RulesetAttributes everything_deniable(long version, const LandlockPolicy& policy) {
  RulesetAttributes denied{.fs = files_known_to(version), .net = 0, .scoped = 0};
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

Result<void> allow_path(const UniqueFd& ruleset, const LandlockPath& path, std::uint64_t access) {
  const landlock_path_beneath_attr allowed{.allowed_access = access, .parent_fd = path.fd};
  if (access != 0 && syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &allowed, 0) != 0)
    return fail("make a Landlock rule", errno);
  return {};
}

Result<void> allow_port(const UniqueFd& ruleset, std::uint16_t port, std::uint64_t access) {
  const PortRule allowed{.access = access, .port = port};
  if (access != 0 && syscall(SYS_landlock_add_rule, ruleset.get(), rule_net_port, &allowed, 0) != 0)
    return fail("make a Landlock rule", errno);
  return {};
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
  for (const LandlockPath& path : policy.paths) TRY(allow_path(ruleset, path, path.access));
  for (const std::uint16_t port : policy.tcp_ports) TRY(allow_port(ruleset, port, denied.net & net_connect_tcp));
  return put_in_force(ruleset);
}

std::vector<std::string> missing_parts(const LandlockDomain& domain, long version) {
  std::vector<std::string> missing;
  for (const Part& part : parts)
    if (domain.*part.wanted && version < part.version) missing.emplace_back(part.name);
  return missing;
}

std::uint64_t full_file_access(bool is_folder) {
  const std::uint64_t all = fs_version_1 | fs_refer | fs_truncate | fs_ioctl_dev;
  return is_folder ? all : fs_of_files;
}

std::uint64_t reading_file_access(bool is_folder) {
  const std::uint64_t file = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
  return is_folder ? file | LANDLOCK_ACCESS_FS_READ_DIR : file;
}

Result<void> enter_landlock_domain(const LandlockDomain& domain) {
  RulesetAttributes denied = deniable_of(domain, landlock_version());
  if (denied.fs == 0 && denied.net == 0 && denied.scoped == 0) return {};
  // Any rule over files denies to move files between folders, too, unless that is allowed.
  const bool moves_stay = denied.fs == fs_resolve_unix;
  if (moves_stay) denied.fs |= fs_refer;
  const UniqueFd ruleset = TRY(make_ruleset(denied));
  if (moves_stay) {
    const UniqueFd root(open("/", O_PATH | O_CLOEXEC));
    TRY(allow_path(ruleset, {.fd = root.get()}, fs_refer));
  }
  for (const LandlockPath& path : domain.paths) TRY(allow_path(ruleset, path, path.access & denied.fs));
  for (const std::uint16_t port : domain.ports_to_bind)
    TRY(allow_port(ruleset, port, denied.net & (net_bind_tcp | net_bind_udp)));
  for (const std::uint16_t port : domain.ports_to_connect)
    TRY(allow_port(ruleset, port, denied.net & (net_connect_tcp | net_connect_udp)));
  return put_in_force(ruleset);
}

bool can_scope_signals() { return landlock_version() >= 6; }

Result<void> scope_signals() { return put_in_force(TRY(make_ruleset({.fs = 0, .net = 0, .scoped = scope_signal}))); }

}  // namespace wg4
