#include "wg4netns/daemon/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/sys/capabilities.h"
#include "shared/sys/empty_root.h"
#include "shared/sys/landlock.h"
#include "shared/sys/log.h"
#include "shared/sys/nobody.h"
#include "shared/sys/seccomp.h"
#include "wg4netns/daemon/syscall_tables.h"

// The order matters: the empty root needs rights that are given up after it; Landlock forbids mounts; the filter
// forbids all of the calls that are made here.

namespace wg4 {
namespace {

/// Of the network: SO_MARK, and UDP ports below 1024.
constexpr std::uint64_t administration_rights =
    (std::uint64_t{1} << CAP_NET_ADMIN) | (std::uint64_t{1} << CAP_NET_BIND_SERVICE);

/// The files that look-ups read: the C library's modules and their configuration. None of these is a user's.
std::vector<std::string> resolver_files() {
  std::vector<std::string> paths{"/etc",
                                 "/usr",
                                 "/lib",
                                 "/lib32",
                                 "/lib64",
                                 "/nix/store",
                                 "/gnu/store",
                                 "/run/connman",
                                 "/run/netconfig",
                                 "/run/resolvconf",
                                 "/run/NetworkManager",
                                 "/run/systemd/resolve"};
  // Some systems have resolv.conf elsewhere, and a link to it in /etc.
  std::error_code error;
  const std::string servers = std::filesystem::canonical("/etc/resolv.conf", error);
  const auto has_it = [&servers](const std::string& path) { return servers.starts_with(path + "/"); };
  if (!error && std::ranges::none_of(paths, has_it)) paths.push_back(servers);
  return paths;
}

/// What every process gives up, whatever the mode.
Result<void> give_up_new_privileges() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail("set no_new_privs", errno);
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return fail("forbid core dumps", errno);
  return {};
}

/// Puts a sandbox together, part by part.
class Sandbox {
 public:
  /// `owner` is the process, for people; with `all_required` the lack of a part is an error.
  Sandbox(const char* owner, bool all_required) : owner_(owner), all_required_(all_required) {}

  /// A part that this host does not permit is an error if it is required, else a line in the log.
  [[nodiscard]] Result<void> take(Result<void> part, const char* name, bool required = false) {
    if (part) return {};
    if (all_required_ || required) {
      part.error().hint += part.error().hint.empty() ? "" : ". ";
      part.error().hint += "--sandbox=auto does without what a host forbids, --sandbox=off without all";
      return fail_in(std::string("sandbox, ") + name, std::move(part).error());
    }
    do_without(name, part.error().message());
    return {};
  }
  /// A kernel without Landlock is never an error.
  [[nodiscard]] Result<void> take_landlock(const LandlockPolicy& policy) {
    if (has_landlock()) return take(restrict_by_landlock(policy), "Landlock");
    do_without("Landlock", "this kernel has none");
    return {};
  }
  [[nodiscard]] SandboxGaps gaps() && { return std::move(gaps_); }

 private:
  void do_without(const char* part, const std::string& reason) {
    log::info("sandbox: {} does without {}: {}", owner_, part, reason);
    gaps_.emplace_back(part);
  }

  const char* owner_;
  bool all_required_;
  SandboxGaps gaps_;
};

Result<void> filter(const SyscallTable& table, OnViolation on_violation) {
#ifdef WG4_SANITIZED
  // A sanitizer's report opens, maps and starts what it likes; it must not die of it.
  static_cast<void>(table);
  static_cast<void>(on_violation);
  log::debug("sandbox: no system call filter in a build with sanitizers");
  return {};
#else
  return restrict_syscalls(table, on_violation);
#endif
}

/// Reading of `paths`, those that exist, and outgoing TCP.
Result<void> leave_to_read(Sandbox& sandbox, const std::vector<std::string>& paths) {
  constexpr std::uint64_t look = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  LandlockPolicy policy{.paths = {}, .tcp_bind = false, .tcp_connect = true};
  std::vector<UniqueFd> open_paths;
  for (const std::string& path : paths) {
    UniqueFd fd(open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!fd.valid()) continue;
    struct stat info{};
    const bool is_folder = fstat(fd.get(), &info) == 0 && S_ISDIR(info.st_mode);
    policy.paths.push_back({.fd = fd.get(), .access = is_folder ? look : look & ~LANDLOCK_ACCESS_FS_READ_DIR});
    open_paths.push_back(std::move(fd));
  }
  return sandbox.take_landlock(policy);
}

/// For a process that reads strangers' packets. `was_root` was found out while there was /proc.
Result<void> give_up_rights(Sandbox& sandbox, bool was_root, std::uint64_t rights = 0) {
  if (was_root) TRY(sandbox.take(become_nobody(rights), "an ordinary user"));
  return keep_capabilities(rights);
}

/// For a process that joins connections of strangers to others.
Result<void> confine_relay(const char* owner, const SandboxOptions& options, const LandlockPolicy& policy,
                           SyscallTable (*calls)()) {
  Sandbox sandbox(owner, options.mode == SandboxMode::on);
  const bool was_root = is_root_of_host();
  TRY(give_up_new_privileges());
  if (!options.enabled()) return keep_capabilities(0);

  TRY(sandbox.take(enter_empty_root(), "empty root directory", options.root_required));
  TRY(sandbox.take_landlock(policy));
  TRY(give_up_rights(sandbox, was_root));
  return sandbox.take(filter(calls(), OnViolation::kill), "system call filter", options.seccomp_required);
}

}  // namespace

Result<SandboxGaps> confine_tunnel(const SandboxOptions& options, const TunnelNeeds& needs) {
  Sandbox sandbox("the tunnel", options.mode == SandboxMode::on);
  const std::uint64_t rights = needs.administration ? administration_rights : 0;
  const bool was_root = is_root_of_host();
  TRY(give_up_new_privileges());
  if (!options.enabled()) {
    TRY(keep_capabilities(rights));
    return SandboxGaps{};
  }
  TRY(sandbox.take(enter_empty_root(), "empty root directory", options.root_required));
  TRY(sandbox.take_landlock({.paths = {}, .tcp_bind = false, .tcp_connect = false}));
  TRY(give_up_rights(sandbox, was_root, rights));
  TRY(sandbox.take(filter(tunnel_syscalls(needs), OnViolation::kill), "system call filter", options.seccomp_required));
  return std::move(sandbox).gaps();
}

Result<void> confine_forwarder(const SandboxOptions& options) {
  return confine_relay("the process for published ports", options,
                       {.paths = {}, .tcp_bind = true, .tcp_connect = false}, forwarder_syscalls);
}

Result<void> confine_ways(const SandboxOptions& options, const std::vector<std::uint16_t>& tcp_ports) {
  return confine_relay("the process for ways out", options,
                       {.paths = {}, .tcp_bind = false, .tcp_connect = false, .tcp_ports = tcp_ports}, way_syscalls);
}

Result<void> confine_resolver(SandboxMode mode) {
  Sandbox sandbox("the resolver", mode == SandboxMode::on);
  const bool was_root = is_root_of_host();
  TRY(give_up_new_privileges());
  if (mode == SandboxMode::off) return keep_capabilities(0);

  TRY(leave_to_read(sandbox, resolver_files()));
  TRY(give_up_rights(sandbox, was_root));
  return sandbox.take(filter(resolver_syscalls(), OnViolation::refuse), "system call filter");
}

Result<void> confine_reloader(SandboxMode mode) {
  TRY(give_up_new_privileges());
  TRY(keep_capabilities(0));
  if (mode == SandboxMode::off) return {};
  return Sandbox("the reloader", mode == SandboxMode::on)
      .take(filter(reloader_syscalls(), OnViolation::refuse), "system call filter");
}

Result<void> confine_watcher(bool sandboxed) {
  TRY(give_up_new_privileges());
  TRY(keep_capabilities(0));
  if (!sandboxed) return {};
  return Sandbox("the watcher", false).take(filter(watcher_syscalls(), OnViolation::kill), "system call filter");
}

Result<void> confine_janitor(bool sandboxed, std::span<const int> folders) {
  Sandbox sandbox("the janitor", false);
  TRY(give_up_new_privileges());
  TRY(keep_capabilities(0));
  if (!sandboxed) return {};
  LandlockPolicy policy{.paths = {}, .tcp_bind = false, .tcp_connect = false};
  for (const int folder : folders) policy.paths.push_back({.fd = folder, .access = LANDLOCK_ACCESS_FS_REMOVE_FILE});
  TRY(sandbox.take_landlock(policy));
  return sandbox.take(filter(janitor_syscalls(folders), OnViolation::kill), "system call filter");
}

}  // namespace wg4
