// Every rule of every set of presets, on every architecture that we ship for: the compiled programs are run over calls
// that nobody makes. The lists are here once more, as hakurei has them, so that a line that gets lost is missed.

#include "netns-helper/container/filter/policy.h"
#include "netns-helper/container/filter/presets.h"
#include "shared/sys/syscall_filter.h"

#include <doctest/doctest.h>
#include <linux/audit.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/filter_machine.h"
#include "tests/support/machine.h"

namespace wg4::container::filter {
namespace {

constexpr Action eperm = refuse(EPERM);
constexpr Action enosys = refuse(ENOSYS);
constexpr std::uint32_t x86_64 = AUDIT_ARCH_X86_64;
constexpr std::uint32_t i386 = AUDIT_ARCH_I386;
constexpr std::uint32_t aarch64 = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t arm = AUDIT_ARCH_ARM;

/// Calls that are refused whatever their arguments are, where all of `presets` are in force.
struct Group {
  Preset presets;
  Action action;
  const char* calls;
  bool also_multiarch = true;
};

const std::vector<Group>& groups() {
  static const std::vector<Group> all{
      {Preset::none, eperm,
       "syslog uselib acct quotactl add_key keyctl request_key move_pages mbind get_mempolicy set_mempolicy "
       "migrate_pages"},
      {Preset::ext, eperm,
       "adjtimex clock_adjtime clock_adjtime64 clock_settime clock_settime64 settimeofday delete_module finit_module "
       "init_module kexec_file_load kexec_load reboot swapoff swapon"},
      {Preset::deny_ns, eperm, "unshare setns mount umount umount2 pivot_root chroot"},
      {Preset::deny_ns, enosys, "clone3 open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr"},
      {Preset::deny_ns | Preset::ext, eperm,
       "chown chown32 fchown fchown32 fchownat lchown lchown32 setgid setgid32 setgroups setgroups32 setregid "
       "setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32"},
      {Preset::deny_devel, eperm, "perf_event_open ptrace"},
      {Preset::none, eperm, "modify_ldt", false},
      {Preset::ext, enosys, "subpage_prot switch_endian vm86 vm86old", false},
      {Preset::deny_bypass, enosys, "io_uring_setup io_uring_enter io_uring_register open_tree_attr"},
      {Preset::deny_bypass, eperm, "pidfd_getfd process_vm_readv process_vm_writev"},
  };
  return all;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> all;
  for (std::string word; stream >> word;) all.push_back(word);
  return all;
}

/// Nothing if the architecture does not have it.
std::optional<int> number_of(const std::string& call, std::uint32_t architecture) {
  if (call == "open_tree_attr") return 467;  // of Linux 6.15, and so unknown to older libraries
  const int number = seccomp_syscall_resolve_name_arch(architecture, call.c_str());
  return number >= 0 ? std::optional(number) : std::nullopt;
}

FilterProgram compiled(const Policy& policy) {
  auto program = compile(policy);
  REQUIRE_MESSAGE(program, (program ? "" : program.error().message()));
  return *std::move(program);
}

using test::result_of;
using test::SeenCall;

/// libseccomp asks the kernel which actions it has.
#define SKIP_WITHOUT_FILTERS \
  if (!has_syscall_filters()) return say_skipped("libseccomp makes no filters where the kernel takes none")

struct Place {
  std::uint32_t architecture;                 // that the filter is made for
  std::vector<std::uint32_t> with_multiarch;  // and the others that it then lets pass
};

const std::vector<Place>& places() {
  static const std::vector<Place> all{{x86_64, {i386}}, {aarch64, {arm}}};
  return all;
}

/// Calls body(presets, flags, place) for every set of presets.
template <class Body>
void for_all_sets(const Body& body) {
  for (unsigned bits = 0; bits < 64; ++bits)
    for (const bool multiarch : {false, true})
      for (const Place& place : places()) body(static_cast<Preset>(bits), Flags{.multiarch = multiarch}, place);
}

std::vector<std::uint32_t> open_architectures(const Place& place, const Flags& flags) {
  std::vector<std::uint32_t> all{place.architecture};
  if (flags.multiarch) all.insert(all.end(), place.with_multiarch.begin(), place.with_multiarch.end());
  return all;
}

/// What these presets do about calls without conditions, by number. Others are allowed.
std::map<int, Action> expected(Preset presets, const Flags& flags, std::uint32_t architecture) {
  std::map<int, Action> results;
  for (const Group& group : groups()) {
    if (!has(presets, group.presets) || (flags.multiarch && !group.also_multiarch)) continue;
    for (const std::string& call : words(group.calls))
      if (const auto number = number_of(call, architecture)) results[*number] = group.action;
  }
  // The calls are made with zeros for arguments: an execution domain that is then none of those that are left.
  if (has(presets, Preset::deny_devel | Preset::linux32))
    results[number_of("personality", architecture).value()] = eperm;
  return results;
}

TEST_CASE("each call of each preset has its result, with and without the others, and no other call has one") {
  SKIP_WITHOUT_FILTERS;
  constexpr int beyond_all_numbers = 600;
  std::string wrong;
  for_all_sets([&](Preset presets, const Flags& flags, const Place& place) {
    const FilterProgram program = compiled(make_policy(presets, flags, place.architecture));
    for (const std::uint32_t architecture : open_architectures(place, flags)) {
      const auto refused = expected(presets, flags, architecture);
      for (int number = 0; number < beyond_all_numbers; ++number) {
        const auto found = refused.find(number);
        const Action wanted = found == refused.end() ? allow : found->second;
        if (result_of(program, {architecture, number, {}}) != wanted)
          wrong += std::to_string(number) + " of " + architecture_name(architecture) + " with presets " +
                   std::to_string(static_cast<unsigned>(presets)) + "\n";
      }
    }
  });
  CHECK(wrong.substr(0, 2000) == "");
}

TEST_CASE("numbers of the lists are those of the kernel") {
  SKIP_WITHOUT_FILTERS;
  const FilterProgram strict = compiled(make_policy(strict_presets, {.multiarch = true}, x86_64));
  const FilterProgram on_arm = compiled(make_policy(strict_presets, {}, aarch64));
  for (const int number : {165, 166, 155, 161, 272, 308, 169, 101, 298, 310, 438})
    CHECK(result_of(strict, {x86_64, number, {}}) == eperm);
  for (const int number : {435, 428, 442, 425, 426, 427, 467}) CHECK(result_of(strict, {x86_64, number, {}}) == enosys);
  for (const int number : {21, 22, 52, 61, 217, 310, 346, 26, 88, 203}) {
    CAPTURE(number);
    CHECK(result_of(strict, {i386, number, {}}) == eperm);
  }
  for (const int number : {40, 39, 41, 51, 97, 268, 117, 142, 146})
    CHECK(result_of(on_arm, {aarch64, number, {}}) == eperm);
  for (const int number : {435, 428, 442, 467}) CHECK(result_of(on_arm, {aarch64, number, {}}) == enosys);
}

TEST_CASE("a call of another architecture ends the process, unless programs of it are allowed") {
  SKIP_WITHOUT_FILTERS;
  for (const Preset presets : {Preset::none, default_presets, strict_presets}) {
    const FilterProgram alone = compiled(make_policy(presets, {}, x86_64));
    const FilterProgram many = compiled(make_policy(presets, {.multiarch = true}, x86_64));
    constexpr int getpid_32bit = 20;
    constexpr int getpid_x32 = 39 | static_cast<int>(x32_bit);
    CHECK(result_of(alone, {i386, getpid_32bit, {}}) == kill_process);
    CHECK(result_of(many, {i386, getpid_32bit, {}}) == allow);
    CHECK(result_of(alone, {x86_64, getpid_x32, {}}) == kill_process);
    CHECK(result_of(many, {x86_64, getpid_x32, {}}) == kill_process);
    CHECK(result_of(many, {aarch64, 172, {}}) == kill_process);
    CHECK(result_of(alone, {x86_64, -1, {}}) == allow);  // a tracer's way to leave a call out
    CHECK(result_of(compiled(make_policy(presets, {}, aarch64)), {arm, 20, {}}) == kill_process);
    CHECK(result_of(compiled(make_policy(presets, {.multiarch = true}, aarch64)), {arm, 20, {}}) == allow);
  }
}

TEST_CASE("clone is refused by its flag for user namespaces, whatever else is set") {
  SKIP_WITHOUT_FILTERS;
  for_all_sets([&](Preset presets, const Flags& flags, const Place& place) {
    const FilterProgram program = compiled(make_policy(presets, flags, place.architecture));
    const Action wanted = has(presets, Preset::deny_ns) ? eperm : allow;
    for (const std::uint32_t architecture : open_architectures(place, flags)) {
      const int clone = number_of("clone", architecture).value();
      for (const std::uint64_t others : {0UL, 17UL, 0xFFFF'FFFFUL, 1UL << 40U})
        CHECK(result_of(program, {architecture, clone, {others | CLONE_NEWUSER}}) == wanted);
      for (const std::uint64_t others : {0UL, 17UL, 0x20000UL, 1UL << 40U})
        CHECK(result_of(program, {architecture, clone, {others, CLONE_NEWUSER}}) == allow);
    }
  });
}

TEST_CASE("the terminal's requests are refused whatever the upper half of the argument is") {
  SKIP_WITHOUT_FILTERS;
  for_all_sets([&](Preset presets, const Flags& flags, const Place& place) {
    const FilterProgram program = compiled(make_policy(presets, flags, place.architecture));
    const Action wanted = has(presets, Preset::deny_tty) ? eperm : allow;
    for (const std::uint32_t architecture : open_architectures(place, flags)) {
      const int ioctl = number_of("ioctl", architecture).value();
      for (const std::uint64_t request : {std::uint64_t{TIOCSTI}, std::uint64_t{TIOCLINUX}})
        for (const std::uint64_t above : {0UL, 1UL << 32U, 0xFFFF'FFFFUL << 32U})
          CHECK(result_of(program, {architecture, ioctl, {7, above | request}}) == wanted);
      for (const std::uint64_t request : {0UL, std::uint64_t{TIOCGWINSZ}, TIOCSTI + 1UL, 1UL << 16U | TIOCSTI})
        CHECK(result_of(program, {architecture, ioctl, {TIOCSTI, request}}) == allow);
    }
  });
}

TEST_CASE("one execution domain is left") {
  SKIP_WITHOUT_FILTERS;
  for_all_sets([&](Preset presets, const Flags& flags, const Place& place) {
    const FilterProgram program = compiled(make_policy(presets, flags, place.architecture));
    const std::uint64_t left = has(presets, Preset::linux32) ? 8 : 0;
    for (const std::uint32_t architecture : open_architectures(place, flags)) {
      const int personality = number_of("personality", architecture).value();
      for (const std::uint64_t domain : {0UL, 8UL, 0x40000UL, 0xFFFF'FFFFUL}) {
        const bool refused = has(presets, Preset::deny_devel) && domain != left;
        CHECK(result_of(program, {architecture, personality, {domain}}) == (refused ? eperm : allow));
      }
    }
    if (has(presets, Preset::deny_devel)) {
      const SeenCall above{
          place.architecture, number_of("personality", place.architecture).value(), {1UL << 32U | left}};
      CHECK(result_of(program, above) == eperm);
    }
  });
}

TEST_CASE("sockets are of the families that everybody needs, and of those of the flags") {
  SKIP_WITHOUT_FILTERS;
  for (const bool can : {false, true})
    for (const bool bluetooth : {false, true})
      for (const Place& place : places()) {
        std::set<std::uint64_t> open{AF_UNSPEC, AF_LOCAL, AF_INET, AF_INET6, AF_NETLINK};
        if (can) open.insert(AF_CAN);
        if (bluetooth) open.insert(AF_BLUETOOTH);
        for (const Policy& policy :
             {make_policy(Preset::none, {.can = can, .bluetooth = bluetooth}, place.architecture),
              make_policy(std::vector<Rule>{}, {.can = can, .bluetooth = bluetooth}, place.architecture)}) {
          const FilterProgram program = compiled(policy);
          const int socket = number_of("socket", place.architecture).value();
          for (std::uint64_t family = 0; family < 100; ++family) {
            const Action wanted = open.contains(family) ? allow : refuse(EAFNOSUPPORT);
            CHECK(result_of(program, {place.architecture, socket, {family}}) == wanted);
          }
          // The kernel would take it for AF_PACKET.
          CHECK(result_of(program, {place.architecture, socket, {1UL << 32U | AF_PACKET}}) == refuse(EAFNOSUPPORT));
          CHECK(result_of(program, {place.architecture, socket, {0xFFFF'FFFF}}) == refuse(EAFNOSUPPORT));
        }
      }
}

TEST_CASE("sockets behind socketcall, whose arguments a filter cannot see, are refused as a whole") {
  SKIP_WITHOUT_FILTERS;
  const FilterProgram program = compiled(make_policy(default_presets, {.multiarch = true}, x86_64));
  constexpr int socketcall = 102;
  constexpr int socket = 359;
  CHECK(result_of(program, {i386, socketcall, {1 /* socket */}}) == refuse(EAFNOSUPPORT));
  for (std::uint64_t other = 2; other <= 20; ++other) CHECK(result_of(program, {i386, socketcall, {other}}) == allow);
  CHECK(result_of(program, {i386, socket, {AF_INET}}) == allow);
  CHECK(result_of(program, {i386, socket, {AF_PACKET}}) == refuse(EAFNOSUPPORT));
}

TEST_CASE("rules of the caller's own are in force instead of the presets'") {
  SKIP_WITHOUT_FILTERS;
  const std::vector<Rule> own{{.call = "getppid", .action = refuse(EDOM)},
                              {.call = "no_such_call", .action = refuse(EDOM)},
                              {.call = "read", .action = refuse(EDOM), .tests = {{0, Comparison::greater, 2}}}};
  const FilterProgram program = compiled(make_policy(own, {}, x86_64));
  CHECK(result_of(program, {x86_64, 110, {}}) == refuse(EDOM));
  CHECK(result_of(program, {x86_64, 0, {3}}) == refuse(EDOM));
  CHECK(result_of(program, {x86_64, 0, {2}}) == allow);
  CHECK(result_of(program, {x86_64, 103 /* syslog */, {}}) == allow);
  CHECK(result_of(program, {i386, 64, {}}) == kill_process);
}

TEST_CASE("the filter for the terminal alone refuses nothing else, in no architecture of this machine") {
  SKIP_WITHOUT_FILTERS;
  const Policy policy = make_tty_policy();
  const FilterProgram program = compiled(policy);
  for (const std::uint32_t architecture : policy.architectures) {
    const bool is_x32 = architecture == x32_architecture;
    const std::uint32_t seen = is_x32 ? x86_64 : architecture;
    const int ioctl = number_of("ioctl", architecture).value() | static_cast<int>(is_x32 ? x32_bit : 0);
    CHECK(result_of(program, {seen, ioctl, {0, TIOCSTI}}) == eperm);
    CHECK(result_of(program, {seen, ioctl, {0, TIOCLINUX}}) == eperm);
    for (int number = 0; number < 600; ++number)
      CHECK(result_of(program, {seen, number | static_cast<int>(is_x32 ? x32_bit : 0), {}}) == allow);
  }
  CHECK(result_of(program, {AUDIT_ARCH_MIPS, 1, {}}) == enosys);
}

TEST_CASE("default lets programs make user namespaces; strict does not") {
  SKIP_WITHOUT_FILTERS;
  const FilterProgram standard = compiled(make_policy(default_presets, {}, x86_64));
  const FilterProgram strict = compiled(make_policy(strict_presets, {}, x86_64));
  for (const char* call : {"unshare", "setns", "mount", "pivot_root", "chroot", "clone3", "setuid", "setgroups"}) {
    CAPTURE(call);
    const SeenCall seen{x86_64, number_of(call, x86_64).value(), {CLONE_NEWUSER}};
    CHECK(result_of(standard, seen) == allow);
    CHECK(result_of(strict, seen) != allow);
  }
}

/// The calls of the lists that have no effect there.
std::string missing(std::uint32_t architecture) {
  std::string calls;
  for (const Rule& rule : make_policy(strict_presets, {}, architecture).rules)
    if (!has_effect(rule, {architecture})) calls += rule.call + " ";
  return calls;
}

TEST_CASE("the calls that an architecture does not have are known") {
  CHECK(missing(x86_64) ==
        "clock_adjtime64 clock_settime64 umount chown32 fchown32 lchown32 setgid32 setgroups32 setregid32 setresgid32 "
        "setresuid32 setreuid32 setuid32 subpage_prot switch_endian vm86 vm86old ");
  CHECK(missing(i386) == "kexec_file_load subpage_prot switch_endian ");
  CHECK(missing(aarch64) ==
        "uselib clock_adjtime64 clock_settime64 umount chown chown32 fchown32 lchown lchown32 setgid32 setgroups32 "
        "setregid32 setresgid32 setresuid32 setreuid32 setuid32 modify_ldt subpage_prot switch_endian vm86 vm86old ");
}

TEST_CASE("a rule that says what happens anyway, and one that comes twice, change nothing") {
  SKIP_WITHOUT_FILTERS;
  const Policy once{.architectures = {x86_64}, .rules = {{.call = "getppid"}}};
  const Policy twice{.architectures = {x86_64},
                     .rules = {{.call = "getppid"}, {.call = "getppid"}, {.call = "read", .action = allow}}};
  const auto bytes = [](const FilterProgram& program) {
    return std::string(reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter));
  };
  CHECK(bytes(compiled(once)) == bytes(compiled(twice)));
}

TEST_CASE("of rules that contradict each other the first counts, and one without conditions before all") {
  SKIP_WITHOUT_FILTERS;
  const std::vector<ArgumentTest> is_three{{.index = 0, .value = 3}};
  const auto result = [&](const std::vector<Rule>& rules, std::uint64_t argument) {
    return result_of(compiled({.architectures = {x86_64}, .rules = rules}), {x86_64, 0, {argument}});
  };
  CHECK(result({{"read", refuse(EDOM)}, {"read", refuse(EPERM)}}, 0) == refuse(EDOM));
  CHECK(result({{"read", refuse(EDOM), is_three}, {"read", refuse(EPERM), is_three}}, 3) == refuse(EDOM));
  CHECK(result({{"read", refuse(EDOM), is_three}, {"read", refuse(EPERM)}}, 3) == refuse(EPERM));
  CHECK(result({{"read", refuse(EPERM)}, {"read", refuse(EDOM), is_three}}, 3) == refuse(EPERM));
  CHECK(result({{"read", allow}, {"read", refuse(EDOM)}}, 0) == refuse(EDOM));
}

}  // namespace
}  // namespace wg4::container::filter
