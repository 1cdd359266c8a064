#include "shared/sys/seccomp.h"

#include <seccomp.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <type_traits>

namespace wg4 {
namespace {

struct FilterDeleter {
  void operator()(scmp_filter_ctx filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, FilterDeleter>;

struct Attribute {
  scmp_filter_attr name;
  std::uint32_t value;
};

// Kernels before 5.16 slow a filtered process down, to protect parts of a process from each other (speculative store
// bypass). Our processes have no such parts, and commands of others are to run as they do without us.
constexpr Attribute as_fast_as_before{SCMP_FLTATR_CTL_SSB, 1};

constexpr auto of_allow_list = std::to_array<Attribute>({
    {SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS},
    {SCMP_FLTATR_CTL_TSYNC, 1},
    as_fast_as_before,
    {SCMP_FLTATR_CTL_OPTIMIZE, 2},  // a binary tree of numbers instead of a list
});

constexpr auto of_deny_list = std::to_array<Attribute>({
    {SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(unsigned{ENOSYS})},
    {SCMP_FLTATR_CTL_NNP, 0},
    as_fast_as_before,
});

// What a processor runs besides programs of this one's kind: each makes calls under numbers of its own.
#if defined(__x86_64__)
constexpr std::array other_architectures{std::uint32_t{SCMP_ARCH_X86}, std::uint32_t{SCMP_ARCH_X32}};
#elif defined(__aarch64__)
constexpr std::array other_architectures{std::uint32_t{SCMP_ARCH_ARM}};
#else
constexpr std::array<std::uint32_t, 0> other_architectures{};
#endif

Result<Filter> make_filter(std::uint32_t action, std::span<const Attribute> attributes) {
  Filter filter(seccomp_init(action));
  if (!filter) return fail("make a system call filter", ENOMEM);
  for (const Attribute& attribute : attributes)
    if (const int result = seccomp_attr_set(filter.get(), attribute.name, attribute.value); result != 0)
      return fail("set up a system call filter", -result, "Linux 4.17 with CONFIG_SECCOMP_FILTER is needed");
  return filter;
}

Result<void> add(scmp_filter_ctx filter, const SyscallRule& rule) {
  std::vector<scmp_arg_cmp> arguments;
  arguments.reserve(rule.arguments.size());
  for (const ArgumentRule& argument : rule.arguments)
    arguments.push_back({argument.index, SCMP_CMP_MASKED_EQ, argument.mask, argument.value});
  const std::uint32_t action =
      rule.error == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(static_cast<std::uint32_t>(rule.error));
  const int result = seccomp_rule_add_array(filter, action, rule.number, static_cast<unsigned>(arguments.size()),
                                            arguments.empty() ? nullptr : arguments.data());
  if (result != 0) return fail("make a seccomp rule for system call " + std::to_string(rule.number), -result);
  return {};
}

Result<void> put_in_force(const Filter& filter) {
  if (const int result = seccomp_load(filter.get()); result != 0)
    return fail("put the system call filter in force", -result, "The kernel needs CONFIG_SECCOMP_FILTER");
  return {};
}

}  // namespace

Result<void> restrict_syscalls(std::span<const SyscallRule> table, OnViolation on_violation) {
  if constexpr (sizeof(void*) < 8)
    return fail("the system call filter is for 64-bit machines: others make other calls for the same things");
  const Filter filter = TRY(make_filter(
      on_violation == OnViolation::kill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(unsigned{EPERM}), of_allow_list));
  for (const SyscallRule& rule : table) TRY(add(filter.get(), rule));
  return put_in_force(filter);
}

Result<void> refuse_syscalls(std::span<const SyscallRule> table) {
  const Filter filter = TRY(make_filter(SCMP_ACT_ALLOW, of_deny_list));
  for (const std::uint32_t architecture : other_architectures)
    if (const int result = seccomp_arch_add(filter.get(), architecture); result != 0)
      return fail("make a system call filter for another architecture", -result);
  for (const SyscallRule& rule : table) TRY(add(filter.get(), rule));
  return put_in_force(filter);
}

}  // namespace wg4
