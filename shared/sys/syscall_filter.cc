#include "shared/sys/syscall_filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <type_traits>
#include <utility>

#include "shared/base/unique_fd.h"

namespace wg4 {
namespace {

static_assert(x32_architecture == SCMP_ARCH_X32);

struct ContextDeleter {
  void operator()(scmp_filter_ctx context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, ContextDeleter>;

struct Attribute {
  scmp_filter_attr name;
  std::uint32_t value;
};

constexpr auto architecture_names = std::to_array<std::pair<const char*, std::uint32_t>>({
    {"x86_64", SCMP_ARCH_X86_64},
    {"x86", SCMP_ARCH_X86},
    {"x32", SCMP_ARCH_X32},
    {"aarch64", SCMP_ARCH_AARCH64},
    {"arm", SCMP_ARCH_ARM},
    {"mips", SCMP_ARCH_MIPS},
    {"mips64", SCMP_ARCH_MIPS64},
    {"mips64n32", SCMP_ARCH_MIPS64N32},
    {"mipsel", SCMP_ARCH_MIPSEL},
    {"mipsel64", SCMP_ARCH_MIPSEL64},
    {"mipsel64n32", SCMP_ARCH_MIPSEL64N32},
    {"ppc", SCMP_ARCH_PPC},
    {"ppc64", SCMP_ARCH_PPC64},
    {"ppc64le", SCMP_ARCH_PPC64LE},
    {"riscv64", SCMP_ARCH_RISCV64},
    {"s390", SCMP_ARCH_S390},
    {"s390x", SCMP_ARCH_S390X},
});

// Kernels before 5.16 slow a filtered process down, to protect parts of a process from each other (speculative store
// bypass). Our processes have no such parts, and commands of others are to run as they do without us.
constexpr Attribute as_fast_as_before{SCMP_FLTATR_CTL_SSB, 1};

Result<void> set(scmp_filter_ctx context, const Attribute& attribute) {
  if (const int result = seccomp_attr_set(context, attribute.name, attribute.value); result != 0)
    return fail("set up a system call filter", -result, "Linux 4.17 with CONFIG_SECCOMP_FILTER is needed");
  return {};
}

/// libseccomp begins with the machine's own architecture, which need not be in the list.
Result<void> choose_architectures(scmp_filter_ctx context, std::span<const std::uint32_t> architectures) {
  for (const std::uint32_t architecture : architectures)
    if (const int result = seccomp_arch_add(context, architecture); result != 0 && result != -EEXIST)
      return fail("make a system call filter for " + architecture_name(architecture), -result);
  if (std::ranges::find(architectures, native_architecture()) != architectures.end()) return {};
  if (const int result = seccomp_arch_remove(context, native_architecture()); result != 0)
    return fail("make a system call filter for another architecture", -result);
  return {};
}

scmp_compare comparison_of(Comparison comparison) {
  switch (comparison) {
    case Comparison::not_equal:
      return SCMP_CMP_NE;
    case Comparison::less:
      return SCMP_CMP_LT;
    case Comparison::at_most:
      return SCMP_CMP_LE;
    case Comparison::equal:
      return SCMP_CMP_EQ;
    case Comparison::at_least:
      return SCMP_CMP_GE;
    case Comparison::greater:
      return SCMP_CMP_GT;
    case Comparison::masked:
      return SCMP_CMP_MASKED_EQ;
  }
  std::unreachable();
}

scmp_arg_cmp argument_of(const ArgumentTest& test) {
  const bool masked = test.comparison == Comparison::masked;
  return {.arg = test.index,
          .op = comparison_of(test.comparison),
          .datum_a = masked ? test.mask : test.value,
          .datum_b = masked ? test.value : 0};
}

/// For errors.
std::string name_of(int number) {
  const std::unique_ptr<char, decltype(&std::free)> name(
      seccomp_syscall_resolve_num_arch(native_architecture(), number), &std::free);
  return name ? name.get() : "number " + std::to_string(number);
}

Result<void> add(scmp_filter_ctx context, const FilteredCall& call) {
  std::vector<scmp_arg_cmp> arguments;
  arguments.reserve(call.tests.size());
  for (const ArgumentTest& test : call.tests) arguments.push_back(argument_of(test));
  const int result = seccomp_rule_add_array(context, call.action, call.number, static_cast<unsigned>(arguments.size()),
                                            arguments.empty() ? nullptr : arguments.data());
  if (result != 0) return fail("make a seccomp rule for the system call " + name_of(call.number), -result);
  return {};
}

Result<Context> make_context(const SyscallFilter& filter, std::span<const Attribute> attributes) {
  Context context(seccomp_init(filter.otherwise));
  if (!context) return fail("make a system call filter", ENOMEM);
  for (const Attribute& attribute : attributes) TRY(set(context.get(), attribute));
  TRY(set(context.get(), as_fast_as_before));
  TRY(set(context.get(), {SCMP_FLTATR_ACT_BADARCH, filter.other_architectures}));
  if (filter.as_tree) TRY(set(context.get(), {SCMP_FLTATR_CTL_OPTIMIZE, 2}));
  TRY(choose_architectures(context.get(), filter.architectures));
  for (const FilteredCall& call : filter.calls) TRY(add(context.get(), call));
  return context;
}

Result<FilterProgram> read_program(int file) {
  const off_t size = lseek(file, 0, SEEK_END);
  if (size < 0) return fail("compile a system call filter", errno);
  FilterProgram program(static_cast<std::size_t>(size) / sizeof(sock_filter));
  const std::size_t wanted = program.size() * sizeof(sock_filter);
  if (const ssize_t got = pread(file, program.data(), wanted, 0); got < 0 || static_cast<std::size_t>(got) != wanted)
    return fail("compile a system call filter", got < 0 ? errno : EIO);
  return program;
}

}  // namespace

std::uint32_t native_architecture() { return seccomp_arch_native(); }

std::string architecture_name(std::uint32_t architecture) {
  const auto found =
      std::ranges::find(architecture_names, architecture, &std::pair<const char*, std::uint32_t>::second);
  return found == architecture_names.end() ? "architecture " + std::to_string(architecture) : found->first;
}

std::optional<std::uint32_t> find_architecture(std::string_view name) {
  const auto found = std::ranges::find(architecture_names, name, &std::pair<const char*, std::uint32_t>::first);
  if (found == architecture_names.end()) return std::nullopt;
  return found->second;
}

std::optional<int> find_syscall(const std::string& name) {
  const int number = seccomp_syscall_resolve_name(name.c_str());
  if (number == __NR_SCMP_ERROR) return std::nullopt;
  return number;
}

bool has_syscall(const std::string& name, std::uint32_t architecture) {
  // Numbers below that are of calls that another architecture has; those above, of calls behind socketcall() and ipc().
  constexpr int has_not = -10000;
  const int number = seccomp_syscall_resolve_name_arch(architecture, name.c_str());
  return number != __NR_SCMP_ERROR && number > has_not;
}

Result<FilterProgram> compile_filter(const SyscallFilter& filter) {
  const Context context = TRY(make_context(filter, {}));
  // libseccomp before 2.6 writes to files only.
  const UniqueFd file(memfd_create("filter", MFD_CLOEXEC));
  if (!file.valid()) return fail("make a file in memory", errno);
  if (const int result = seccomp_export_bpf(context.get(), file.get()); result != 0)
    return fail("compile a system call filter", -result);
  return read_program(file.get());
}

Result<void> confine_all_threads(const SyscallFilter& filter) {
  const Context context = TRY(make_context(filter, std::array{Attribute{SCMP_FLTATR_CTL_TSYNC, 1}}));
  if (const int result = seccomp_load(context.get()); result != 0)
    return fail("put the system call filter in force", -result, "The kernel needs CONFIG_SECCOMP_FILTER");
  return {};
}

Result<void> install_filter(std::span<const sock_filter> program, bool log) {
  FilterProgram copy(program.begin(), program.end());  // the kernel's interface has no const
  const sock_fprog whole{.len = static_cast<unsigned short>(copy.size()), .filter = copy.data()};
  if (whole.len != copy.size()) return fail("put the system call filter in force", E2BIG);
  const unsigned long flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW | (log ? SECCOMP_FILTER_FLAG_LOG : 0UL);
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &whole) == 0) return {};
  switch (errno) {
    case EACCES:
      return fail("put the system call filter in force", EACCES, "Without no_new_privs it takes CAP_SYS_ADMIN");
    case EINVAL:
      return fail("put the system call filter in force", EINVAL,
                  "The program is none that the kernel takes, or Linux is older than 4.17");
    default:
      return fail("put the system call filter in force", errno, "The kernel needs CONFIG_SECCOMP_FILTER");
  }
}

}  // namespace wg4
