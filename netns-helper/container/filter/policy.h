#pragma once
// A filter of system calls as rules that have names: what the presets and the profiles of container engines are made
// of, what is compiled, and what is printed.

#include <linux/seccomp.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/sys/syscall_filter.h"

namespace wg4::container::filter {

/// What the kernel does about a call: SECCOMP_RET_..., with an errno in the lower 16 bits of SECCOMP_RET_ERRNO.
using Action = std::uint32_t;

inline constexpr Action allow = SECCOMP_RET_ALLOW;
inline constexpr Action kill_process = SECCOMP_RET_KILL_PROCESS;
[[nodiscard]] constexpr Action refuse(int error) { return SECCOMP_RET_ERRNO | static_cast<Action>(error); }

struct Rule {
  std::string call;  ///< "clone"
  Action action = refuse(EPERM);
  std::vector<ArgumentTest> tests = {};  ///< all must hold

  friend bool operator==(const Rule&, const Rule&) = default;
};

struct Policy {
  Action otherwise = allow;                   ///< for calls without a rule
  Action other_architectures = kill_process;  ///< for calls of architectures that are not in the list
  std::vector<std::uint32_t> architectures;   ///< AUDIT_ARCH_... or x32_architecture
  std::vector<Rule> rules;                    ///< several for one call are alternatives, see effective_rules()
  bool log_denied = false;                    ///< asked for by the policy itself
};

/// The program for the kernel. A call that this machine's libseccomp does not know is left out, as container engines do
/// it, unless it is one that every architecture has under the same number, and that is refused without conditions.
[[nodiscard]] Result<FilterProgram> compile(const Policy& policy);

/// The rules that count, as libseccomp and container engines have it: none that says what happens anyway; of a call
/// that has a rule without conditions only that one; of several with the same conditions the first.
[[nodiscard]] std::vector<Rule> effective_rules(const Policy& policy);

/// Is there such a call in one of these architectures, so that compile() has something to do about it?
[[nodiscard]] bool has_effect(const Rule& rule, const std::vector<std::uint32_t>& architectures);

/// For a person: a line for each rule, with the names of what it compares, and what happens otherwise. It ends with the
/// calls that have no effect.
[[nodiscard]] std::string print(const Policy& policy);

}  // namespace wg4::container::filter
