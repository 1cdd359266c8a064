#include "netns-helper/container/filter/presets.h"

#include <linux/audit.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "shared/sys/syscall_filter.h"

namespace wg4::container::filter {
namespace {

using Names = std::span<const char* const>;

// The names and results are hakurei's (container/std, container/seccomp), which has them from flatpak. What no machine
// or library knows is left out when the rules are compiled.

constexpr auto common = std::to_array({
    "syslog", "uselib", "acct", "quotactl",                                    // the machine's
    "add_key", "keyctl", "request_key",                                        // keys have no namespace
    "move_pages", "mbind", "get_mempolicy", "set_mempolicy", "migrate_pages",  // scheduling of memory
});

constexpr auto ext = std::to_array({
    "adjtimex",
    "clock_adjtime",
    "clock_adjtime64",
    "clock_settime",
    "clock_settime64",
    "settimeofday",  // clocks
    "delete_module",
    "finit_module",
    "init_module",
    "kexec_file_load",
    "kexec_load",
    "reboot",  // kernels
    "swapoff",
    "swapon",
});

constexpr auto namespaces = std::to_array({
    "unshare",
    "setns",
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
});

// Their arguments are behind pointers, or descriptors stand for mounts, so a filter cannot tell which are harmless.
// ENOSYS has the C library, and programs, use the older calls, which the filter can judge.
constexpr auto namespaces_by_pointer = std::to_array({
    "clone3",
    "open_tree",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
});

constexpr auto owners_and_users = std::to_array({
    "chown",       "chown32",   "fchown",      "fchown32",    "fchownat",   "lchown",     "lchown32",
    "setgid",      "setgid32",  "setgroups",   "setgroups32", "setregid",   "setregid32", "setresgid",
    "setresgid32", "setresuid", "setresuid32", "setreuid",    "setreuid32", "setuid",     "setuid32",
});

constexpr auto devel = std::to_array({"perf_event_open", "ptrace"});

constexpr auto emulation = std::to_array({"modify_ldt"});
constexpr auto emulation_ext = std::to_array({"subpage_prot", "switch_endian", "vm86", "vm86old"});

// io_uring carries out operations that a filter never sees; open_tree_attr is open_tree and mount_setattr in one.
constexpr auto past_a_filter =
    std::to_array({"io_uring_setup", "io_uring_enter", "io_uring_register", "open_tree_attr"});
constexpr auto of_other_processes = std::to_array({"pidfd_getfd", "process_vm_readv", "process_vm_writev"});

void add(std::vector<Rule>& rules, Names names, int error) {
  for (const char* const name : names) rules.push_back({.call = name, .action = refuse(error)});
}

void add_tty(std::vector<Rule>& rules) {
  for (const int request : {TIOCSTI, TIOCLINUX})
    rules.push_back({.call = "ioctl", .action = refuse(EPERM), .tests = {equals(1, request)}});
}

void add_namespaces(std::vector<Rule>& rules, std::uint32_t architecture) {
  const bool flags_are_second = architecture == AUDIT_ARCH_S390 || architecture == AUDIT_ARCH_S390X;
  add(rules, namespaces, EPERM);
  rules.push_back({.call = "clone",
                   .action = refuse(EPERM),
                   .tests = {bits(flags_are_second ? 1 : 0, CLONE_NEWUSER, CLONE_NEWUSER)}});
  add(rules, namespaces_by_pointer, ENOSYS);
}

void add_devel(std::vector<Rule>& rules, std::uint32_t allowed_personality) {
  add(rules, devel, EPERM);
  rules.push_back({.call = "personality",
                   .action = refuse(EPERM),
                   .tests = {{.index = 0, .comparison = Comparison::not_equal, .value = allowed_personality}}});
}

/// All but those of `flags` and those that everybody needs. The last rule is for all numbers from there on, so the
/// upper 32 bits, which the kernel ignores, hide nothing.
void add_socket_families(std::vector<Rule>& rules, const Flags& flags) {
  std::vector<std::uint64_t> allowed{AF_UNSPEC, AF_LOCAL, AF_INET, AF_INET6, AF_NETLINK};
  if (flags.can) allowed.push_back(AF_CAN);
  if (flags.bluetooth) allowed.push_back(AF_BLUETOOTH);
  const auto refuse_family = [&rules](Comparison comparison, std::uint64_t family) {
    rules.push_back({.call = "socket",
                     .action = refuse(EAFNOSUPPORT),
                     .tests = {{.index = 0, .comparison = comparison, .value = family}}});
  };
  std::uint64_t next = 0;
  for (const std::uint64_t family : allowed) {
    for (; next < family; ++next) refuse_family(Comparison::equal, next);
    next = family + 1;
  }
  refuse_family(Comparison::at_least, next);
}

/// The architecture of the machine's older programs. x32 is none of them: hardly a program is made for it.
std::optional<std::uint32_t> older_architecture(std::uint32_t architecture) {
  switch (architecture) {
    case AUDIT_ARCH_X86_64:
      return AUDIT_ARCH_I386;
    case AUDIT_ARCH_AARCH64:
      return AUDIT_ARCH_ARM;
    default:
      return std::nullopt;
  }
}

}  // namespace

Policy make_policy(Preset presets, const Flags& flags, std::uint32_t architecture) {
  std::vector<Rule> rules;
  add(rules, common, EPERM);
  if (has(presets, Preset::ext)) add(rules, ext, EPERM);
  if (has(presets, Preset::deny_ns)) add_namespaces(rules, architecture);
  if (has(presets, Preset::deny_ns | Preset::ext)) add(rules, owners_and_users, EPERM);
  if (has(presets, Preset::deny_tty)) add_tty(rules);
  if (has(presets, Preset::deny_devel))
    add_devel(rules, has(presets, Preset::linux32) ? std::uint32_t{PER_LINUX32} : std::uint32_t{PER_LINUX});
  if (has(presets, Preset::deny_bypass)) {
    add(rules, past_a_filter, ENOSYS);
    add(rules, of_other_processes, EPERM);
  }
  if (!flags.multiarch) add(rules, emulation, EPERM);
  if (!flags.multiarch && has(presets, Preset::ext)) add(rules, emulation_ext, ENOSYS);
  return make_policy(std::move(rules), flags, architecture);
}

Policy make_policy(std::vector<Rule> rules, const Flags& flags, std::uint32_t architecture) {
  Policy policy{.architectures = {architecture}, .rules = std::move(rules)};
  add_socket_families(policy.rules, flags);
  if (const auto older = older_architecture(architecture); older && flags.multiarch)
    policy.architectures.push_back(*older);
  return policy;
}

Policy make_tty_policy() {
  const std::uint32_t native = native_architecture();
  Policy policy{.other_architectures = refuse(ENOSYS), .architectures = {native}, .rules = {}};
  add_tty(policy.rules);
  if (const auto older = older_architecture(native)) policy.architectures.push_back(*older);
  if (native == AUDIT_ARCH_X86_64) policy.architectures.push_back(x32_architecture);
  return policy;
}

}  // namespace wg4::container::filter
