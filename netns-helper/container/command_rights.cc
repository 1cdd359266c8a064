#include "netns-helper/container/command_rights.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "netns-helper/container/filter/choice.h"
#include "netns-helper/container/filter/policy.h"
#include "netns-helper/container/filter/presets.h"
#include "shared/base/escaped_text.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/capabilities.h"

namespace wg4::container {
namespace {

/// A program inherits what is in this set and in the ambient one.
Result<void> let_programs_inherit(std::uint64_t mask) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return fail("read the capabilities", errno);
  for (__user_cap_data_struct& set : sets) set.inheritable = set.permitted;
  if (syscall(SYS_capset, &header, sets.data()) != 0) return fail("keep capabilities", errno);
  for (unsigned capability = 0; capability < 64; ++capability)
    if ((mask >> capability & 1U) != 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0)
      return fail("keep capability " + std::to_string(capability), errno);
  return {};
}

/// Opens what is to stay accessible. The descriptors are `opened`'s.
Result<void> add_paths(const std::vector<std::string>& paths, bool writable, std::vector<UniqueFd>& opened,
                       LandlockDomain& domain) {
  for (const std::string& path : paths) {
    opened.emplace_back(open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status{};
    if (!opened.back().valid() || fstat(opened.back().get(), &status) != 0)
      return fail("open " + printable(path) + " inside, for Landlock", errno);
    const bool is_folder = S_ISDIR(status.st_mode);
    domain.paths.push_back(
        {opened.back().get(), writable ? full_file_access(is_folder) : reading_file_access(is_folder)});
  }
  return {};
}

}  // namespace

std::uint64_t kept_capabilities(const Container& container) {
  return container.capabilities | (container.privileged ? std::uint64_t{1} << CAP_SYS_ADMIN : 0);
}

LandlockDomain landlock_domain_of(const Container& container) {
  const LandlockSettings& settings = container.landlock;
  if (settings.mode == LandlockSettings::Mode::off) return {};
  return {.signals = true,
          .abstract_sockets = !container.host_abstract,
          .path_sockets = settings.path_sockets,
          .files = settings.files,
          .tcp = settings.tcp,
          .udp = settings.udp,
          .ports_to_bind = settings.ports_to_bind,
          .ports_to_connect = settings.ports_to_connect};
}

Result<void> give_up_gains(const Container& container) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail("set no_new_privs", errno);
  const LandlockDomain wanted = landlock_domain_of(container);
  return enter_landlock_domain({.signals = wanted.signals, .abstract_sockets = wanted.abstract_sockets});
}

Result<void> keep_capabilities_for_programs(std::uint64_t mask) {
  constexpr unsigned long no_rights_by_ids =
      SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED;
  if (mask == 0 && prctl(PR_SET_SECUREBITS, no_rights_by_ids, 0, 0, 0) != 0) return fail("lock the securebits", errno);
  TRY(limit_capabilities({.in_effect = mask, .bounding = mask}));
  return mask == 0 ? Result<void>{} : let_programs_inherit(mask);
}

Result<std::vector<FilterProgram>> compile_filters(const Container& container) {
  std::vector<FilterProgram> programs;
  filter::Choice choice = container.seccomp;
  const bool by_presets = container.seccomp_rules.empty() && choice.source == filter::Source::presets;
  if (!container.retain_session && by_presets) choice.presets = choice.presets | filter::Preset::deny_tty;
  if (!container.retain_session && !by_presets) programs.push_back(TRY(filter::compile(filter::make_tty_policy())));
  if (!container.seccomp_rules.empty()) {
    programs.push_back(TRY(filter::compile(filter::make_policy(container.seccomp_rules, container.seccomp_flags))));
  } else {
    const filter::Target target{.flags = container.seccomp_flags,
                                .capabilities = kept_capabilities(container),
                                .log_denied = container.log_denied};
    auto filter = TRY(filter::make_filter(choice, target));
    if (filter) programs.push_back(std::move(filter->program));
  }
  programs.insert(programs.end(), container.seccomp_programs.begin(), container.seccomp_programs.end());
  return programs;
}

Result<void> restrict_by_landlock_of(const Container& container) {
  LandlockDomain domain = landlock_domain_of(container);
  std::vector<UniqueFd> opened;
  if (domain.files) {
    TRY(add_paths(container.landlock.readable, false, opened, domain));
    TRY(add_paths(container.landlock.writable, true, opened, domain));
  }
  return enter_landlock_domain(domain);
}

}  // namespace wg4::container
