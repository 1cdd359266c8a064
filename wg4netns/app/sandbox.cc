#include "wg4netns/app/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sys/prctl.h>

#include <cerrno>
#include <string>

#include "shared/base/unique_fd.h"
#include "shared/sys/capabilities.h"
#include "shared/sys/empty_root.h"
#include "shared/sys/landlock.h"
#include "shared/sys/log.h"
#include "shared/sys/seccomp.h"
#include "wg4netns/app/syscall_tables.h"

// The order matters: the empty root takes rights that come after it; Landlock forbids mounts; the filter forbids all of
// the calls that are made here.

namespace wg4 {
namespace {

/// Of the network: SO_MARK, and UDP ports below 1024.
constexpr std::uint64_t administration_rights =
    (std::uint64_t{1} << CAP_NET_ADMIN) | (std::uint64_t{1} << CAP_NET_BIND_SERVICE);

/// What every process gives up, whatever the mode.
Result<void> give_up_new_privileges() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail("set no_new_privs", errno);
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return fail("forbid core dumps", errno);
  return {};
}

/// What this host does not permit is an error if it is required, else a line for who debugs.
Result<void> take(Result<void> part, bool required, const char* name) {
  if (part) return {};
  if (required) {
    part.error().hint += part.error().hint.empty() ? "" : ". ";
    part.error().hint += "--sandbox=auto does without what a host forbids, --sandbox=off without all";
    return fail_in(std::string("sandbox, ") + name, std::move(part).error());
  }
  log::debug("sandbox: no {}: {}", name, part.error().message());
  return {};
}

Result<void> landlock(const LandlockPolicy& policy) {
  if (has_landlock()) return restrict_by_landlock(policy);
  log::debug("sandbox: this kernel has no Landlock");
  return {};
}

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

}  // namespace

Result<void> confine_tunnel(const SandboxOptions& options, const TunnelNeeds& needs) {
  const bool all = options.mode == SandboxMode::on;
  const std::uint64_t rights = needs.administration ? administration_rights : 0;
  TRY(give_up_new_privileges());
  if (!options.enabled()) return keep_capabilities(rights);

  TRY(take(enter_empty_root(), all || options.root_required, "empty root directory"));
  LandlockPolicy policy{.paths = {}, .tcp_bind = needs.forwarding, .tcp_connect = false};
  for (const int folder : needs.unlink_folders)
    policy.paths.push_back({.fd = folder, .access = LANDLOCK_ACCESS_FS_REMOVE_FILE});
  TRY(take(landlock(policy), all, "Landlock"));
  TRY(keep_capabilities(rights));
  return take(filter(tunnel_syscalls(needs), OnViolation::kill), all || options.seccomp_required, "system call filter");
}

Result<void> confine_resolver(SandboxMode mode) {
  const bool all = mode == SandboxMode::on;
  TRY(give_up_new_privileges());
  TRY(keep_capabilities(0));
  if (mode == SandboxMode::off) return {};

  const UniqueFd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::uint64_t look = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  TRY(take(landlock({.paths = {{.fd = root.get(), .access = look}}, .tcp_bind = false, .tcp_connect = true}), all,
           "Landlock"));
  return take(filter(resolver_syscalls(), OnViolation::refuse), all, "system call filter");
}

Result<void> confine_reloader() {
  TRY(give_up_new_privileges());
  return keep_capabilities(0);
}

Result<void> confine_watcher(bool sandboxed) {
  TRY(give_up_new_privileges());
  TRY(keep_capabilities(0));
  if (!sandboxed) return {};
  return take(filter(watcher_syscalls(), OnViolation::kill), false, "system call filter");
}

}  // namespace wg4
