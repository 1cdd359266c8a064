#include "netns-helper/container/words/capability_names.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <string>

#include "shared/base/ascii.h"
#include "shared/base/escaped_text.h"

namespace wg4::container {
namespace {

/// In the order of their numbers (linux/capability.h), of Linux 5.9 and later.
constexpr auto names = std::to_array<std::string_view>({
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
});

}  // namespace

Result<std::uint64_t> parse_capability(std::string_view name) {
  std::string plain;
  std::ranges::transform(name, std::back_inserter(plain), to_lower);
  if (plain == "all") return (std::uint64_t{1} << names.size()) - 1;
  if (plain.starts_with("cap_")) plain.erase(0, 4);
  const auto* const found = std::ranges::find(names, plain);
  if (found == names.end())
    return fail("there is no capability " + printable(name), 0, "capabilities(7) has their names");
  return std::uint64_t{1} << static_cast<std::size_t>(std::distance(names.begin(), found));
}

}  // namespace wg4::container
