#pragma once
// Filters of system calls, seccomp(2), as values: rules are compiled to the program that the kernel runs before each
// call, and a program is put in force. What libseccomp does for us, it does behind this header.
//
// An action is the value that such a program returns: SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | EPERM, ... of
// linux/seccomp.h. An architecture is an AUDIT_ARCH_... of linux/audit.h, or x32.

#include <linux/filter.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"

namespace wg4 {

enum class Comparison : std::uint8_t { not_equal, less, at_most, equal, at_least, greater, masked };

/// A condition on one of a call's arguments, as numbers of 64 bits without a sign. The kernel ignores the upper half of
/// an int, a condition does not: for an int it has to be `masked`, or one that large numbers do not escape.
struct ArgumentTest {
  unsigned index = 0;  ///< 0..5
  Comparison comparison = Comparison::equal;
  std::uint64_t value = 0;
  std::uint64_t mask = 0;  ///< for `masked`: argument & mask == value

  friend auto operator<=>(const ArgumentTest&, const ArgumentTest&) = default;
};

/// Of the bits of an argument of type int, those in `mask` are `value`. The kernel ignores the upper 32 bits.
[[nodiscard]] inline ArgumentTest bits(unsigned index, int mask, int value) {
  return {.index = index,
          .comparison = Comparison::masked,
          .value = static_cast<unsigned>(value),
          .mask = static_cast<unsigned>(mask)};
}

/// The argument is `value`.
[[nodiscard]] inline ArgumentTest equals(unsigned index, int value) { return bits(index, -1, value); }

/// None of the argument's bits in `mask` is set.
[[nodiscard]] inline ArgumentTest without(unsigned index, int mask) { return bits(index, mask, 0); }

struct FilteredCall {
  int number = 0;  ///< of find_syscall(), or SCMP_SYS(name) of seccomp.h
  std::uint32_t action = 0;
  std::vector<ArgumentTest> tests;  ///< all must hold, at most one for each argument
};

struct SyscallFilter {
  std::uint32_t otherwise = 0;            ///< the action for calls without a rule
  std::uint32_t other_architectures = 0;  ///< the action for calls of architectures that are not in the list
  std::vector<std::uint32_t> architectures;
  std::vector<FilteredCall> calls;
  bool as_tree = false;  ///< calls are found by halving instead of one after the other: for long lists
};

/// Programs of x86-64 with pointers of 32 bits. Their calls have AUDIT_ARCH_X86_64, and a bit in the number.
inline constexpr std::uint32_t x32_architecture = 0x4000'003e;
inline constexpr std::uint32_t x32_bit = 0x4000'0000;

/// The architecture that this program is compiled for.
[[nodiscard]] std::uint32_t native_architecture();

/// As libseccomp calls it: "x86_64".
[[nodiscard]] std::string architecture_name(std::uint32_t architecture);
[[nodiscard]] std::optional<std::uint32_t> find_architecture(std::string_view name);

/// By a call's name. Below zero for a call that only other architectures have; nothing for one that this machine's
/// libseccomp does not know at all.
[[nodiscard]] std::optional<int> find_syscall(const std::string& name);

/// Does libseccomp know that `architecture` has it?
[[nodiscard]] bool has_syscall(const std::string& name, std::uint32_t architecture);

using FilterProgram = std::vector<sock_filter>;

/// A rule that an architecture's calls cannot express is made wider there, not left out: socket(2) is one of many calls
/// behind socketcall(2) on i386, which passes its arguments by pointer, so any condition on it holds there.
[[nodiscard]] Result<FilterProgram> compile_filter(const SyscallFilter& filter);

/// Puts `filter` in force for all threads of this process, for good, and sets no_new_privs.
[[nodiscard]] Result<void> confine_all_threads(const SyscallFilter& filter);

/// Puts `program` in force for this thread and its descendants, for good. no_new_privs is needed, or CAP_SYS_ADMIN in
/// this process's user namespace. `log`: the kernel logs the calls that it refuses.
[[nodiscard]] Result<void> install_filter(std::span<const sock_filter> program, bool log);

}  // namespace wg4
