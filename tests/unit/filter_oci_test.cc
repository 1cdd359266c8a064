#include "netns-helper/container/filter/oci_profile.h"
#include "netns-helper/container/filter/policy.h"
#include "shared/sys/syscall_filter.h"

#include <doctest/doctest.h>
#include <linux/audit.h>
#include <linux/capability.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/filter_machine.h"
#include "tests/support/machine.h"

namespace wg4::container::filter {
namespace {

constexpr std::uint32_t x86_64 = AUDIT_ARCH_X86_64;
constexpr ProfileFacts nobody{.architecture = x86_64, .capabilities = 0, .kernel = {6, 1}};
constexpr ProfileFacts admin{.architecture = x86_64, .capabilities = 1UL << CAP_SYS_ADMIN, .kernel = {6, 1}};

Policy parsed(const std::string& text, const ProfileFacts& facts = nobody) {
  auto policy = parse_oci_profile(text, "p.json", facts);
  REQUIRE_MESSAGE(policy.has_value(), (policy ? "" : policy.error().message()));
  return *std::move(policy);
}

std::string error_of(const std::string& text) {
  const auto policy = parse_oci_profile(text, "p.json", nobody);
  return policy ? "" : policy.error().message();
}

/// A profile that allows everything but for `rules`.
std::string with_rules(const std::string& rules) {
  return R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [)" + rules + "]}";
}

/// The rules of one rule of a profile, with these members beside name and action.
std::vector<Rule> rules_with(const std::string& members, const ProfileFacts& facts = nobody) {
  return parsed(with_rules(R"({"names": ["read"], "action": "SCMP_ACT_ERRNO")" + members + "}"), facts).rules;
}

bool is_in_force(const std::string& members, const ProfileFacts& facts = nobody) {
  return !rules_with(members, facts).empty();
}

TEST_CASE("actions, and the errno that goes with them") {
  const auto action = [](const std::string& members) { return parsed("{" + members + "}").otherwise; };
  CHECK(action(R"("defaultAction": "SCMP_ACT_ALLOW")") == allow);
  CHECK(action(R"("defaultAction": "SCMP_ACT_LOG")") == SECCOMP_RET_LOG);
  CHECK(action(R"("defaultAction": "SCMP_ACT_KILL")") == SECCOMP_RET_KILL_THREAD);
  CHECK(action(R"("defaultAction": "SCMP_ACT_KILL_THREAD")") == SECCOMP_RET_KILL_THREAD);
  CHECK(action(R"("defaultAction": "SCMP_ACT_KILL_PROCESS")") == kill_process);
  CHECK(action(R"("defaultAction": "SCMP_ACT_TRAP")") == SECCOMP_RET_TRAP);
  CHECK(action(R"("defaultAction": "SCMP_ACT_TRACE", "defaultErrnoRet": 7)") == (SECCOMP_RET_TRACE | 7U));
  CHECK(action(R"("defaultAction": "SCMP_ACT_ERRNO")") == refuse(EPERM));
  CHECK(action(R"("defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38)") == refuse(ENOSYS));
  CHECK(action(R"("defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "ENOSYS", "defaultErrnoRet": 1)") ==
        refuse(ENOSYS));
  CHECK(rules_with(R"(, "errnoRet": 22)").front().action == refuse(EINVAL));
  CHECK(rules_with(R"(, "errno": "EINVAL")").front().action == refuse(EINVAL));
}

TEST_CASE("conditions: all of them, but any where an argument has several") {
  const auto tests = rules_with(R"(, "args": [{"index": 0, "value": 16, "op": "SCMP_CMP_EQ"},
      {"index": 2, "value": 2114060288, "valueTwo": 7, "op": "SCMP_CMP_MASKED_EQ"}])");
  REQUIRE(tests.size() == 1);
  CHECK(tests[0].tests ==
        std::vector<ArgumentTest>{{0, Comparison::equal, 16, 0}, {2, Comparison::masked, 7, 2114060288}});
  const auto alternatives = rules_with(R"(, "args": [{"index": 1, "value": 1, "op": "SCMP_CMP_LT"},
      {"index": 1, "value": 18446744073709551615, "op": "SCMP_CMP_GE"}])");
  REQUIRE(alternatives.size() == 2);
  CHECK(alternatives[0].tests == std::vector<ArgumentTest>{{1, Comparison::less, 1, 0}});
  CHECK(alternatives[1].tests == std::vector<ArgumentTest>{{1, Comparison::at_least, UINT64_MAX, 0}});
}

TEST_CASE("includes and excludes, as Docker takes them") {
  CHECK(is_in_force(R"(, "includes": {}, "excludes": {})"));
  CHECK(is_in_force(R"(, "includes": null, "args": null, "comment": "")"));
  CHECK(is_in_force(R"(, "includes": {"caps": ["CAP_SYS_ADMIN"]})", admin));
  CHECK(!is_in_force(R"(, "includes": {"caps": ["CAP_SYS_ADMIN"]})"));
  CHECK(!is_in_force(R"(, "includes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]})", admin));
  CHECK(!is_in_force(R"(, "excludes": {"caps": ["CAP_BPF", "CAP_SYS_ADMIN"]})", admin));
  CHECK(is_in_force(R"(, "excludes": {"caps": ["CAP_SYS_ADMIN"]})"));
  CHECK(is_in_force(R"(, "includes": {"arches": ["arm64", "amd64"]})"));
  CHECK(!is_in_force(R"(, "includes": {"arches": ["s390x", "loong64"]})"));
  CHECK(!is_in_force(R"(, "excludes": {"arches": ["amd64"]})"));
  CHECK(is_in_force(R"(, "includes": {"arches": []})"));
  CHECK(is_in_force(R"(, "includes": {"minKernel": "4.8"})"));
  CHECK(is_in_force(R"(, "includes": {"minKernel": "6.1"})"));
  CHECK(!is_in_force(R"(, "includes": {"minKernel": "6.2"})"));
  CHECK(!is_in_force(R"(, "excludes": {"minKernel": "4.8"})"));
}

TEST_CASE("architectures: this machine's, and those that the profile adds to it") {
  const auto architectures = [](const std::string& members) {
    return parsed(R"({"defaultAction": "SCMP_ACT_ALLOW")" + members + "}").architectures;
  };
  using List = std::vector<std::uint32_t>;
  CHECK(architectures("") == List{x86_64});
  CHECK(architectures(R"(, "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"])") ==
        List{x86_64, AUDIT_ARCH_I386, x32_architecture});
  CHECK(architectures(R"(, "archMap": [
      {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
      {"architecture": "SCMP_ARCH_LOONGARCH64", "subArchitectures": []},
      {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}])") == List{x86_64, AUDIT_ARCH_I386});
}

TEST_CASE("the kernel's flags") {
  CHECK(!parsed(R"({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]})").log_denied);
  CHECK(parsed(R"({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"]})").log_denied);
}

TEST_CASE("an allow list, as Podman's and Docker's are, compiles to what it says") {
  if (!has_syscall_filters()) return say_skipped("libseccomp makes no filters where the kernel takes none");
  const std::string text = R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "defaultErrno": "ENOSYS",
    "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}],
    "syscalls": [
      {"names": ["read", "exit_group", "call_of_a_later_kernel"], "action": "SCMP_ACT_ALLOW", "args": []},
      {"name": "kexec_load", "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
      {"names": ["personality"], "action": "SCMP_ACT_ALLOW",
       "args": [{"index": 0, "value": 0, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]},
      {"names": ["personality"], "action": "SCMP_ACT_ALLOW",
       "args": [{"index": 0, "value": 8, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]},
      {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390x"]},
       "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
      {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
      {"names": ["chroot"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_CHROOT"]}},
      {"names": ["chroot"], "action": "SCMP_ACT_ERRNO", "errno": "EPERM", "excludes": {"caps": ["CAP_SYS_CHROOT"]}}
    ]})";
  const auto result = [&](const ProfileFacts& facts, const test::SeenCall& call) {
    return test::result_of(compile(parsed(text, facts)).value(), call);
  };
  CHECK(result(nobody, {x86_64, 0, {}}) == allow);
  CHECK(result(nobody, {AUDIT_ARCH_I386, 3, {}}) == allow);
  CHECK(result(nobody, {x86_64, 0x4000'0000, {}}) == allow);
  CHECK(result(nobody, {AUDIT_ARCH_AARCH64, 63, {}}) == kill_process);
  CHECK(result(nobody, {x86_64, 1, {}}) == refuse(ENOSYS));
  CHECK(result(nobody, {x86_64, 246, {}}) == refuse(EPERM));
  CHECK(result(nobody, {x86_64, 135, {8}}) == allow);
  CHECK(result(nobody, {x86_64, 135, {1}}) == refuse(ENOSYS));
  CHECK(result(nobody, {x86_64, 56, {0x11}}) == allow);
  CHECK(result(nobody, {x86_64, 56, {0x1000'0011}}) == refuse(ENOSYS));
  CHECK(result(admin, {x86_64, 56, {0x1000'0011}}) == allow);
  CHECK(result(nobody, {x86_64, 161, {}}) == refuse(EPERM));
}

TEST_CASE("an error names the line and the column, and what is wrong there") {
  CHECK(error_of("") == "p.json:1:1: this is not JSON");
  CHECK(error_of("{\n  \"defaultAction\": \"SCMP_ACT_ALLOW\",\n  x}") == "p.json:3:3: this is not JSON");
  CHECK(error_of("[]") == "p.json:1:1: the profile is not an object");
  CHECK(error_of("{}") == "p.json:1:1: the profile has no defaultAction");
  CHECK(error_of(R"({"defaultAction": 7})") == "p.json:1:19: an action is not text");
  CHECK(error_of("{\"defaultAction\":\n \"SCMP_ACT_ALOW\"}") ==
        "p.json:2:2: there is no action \"SCMP_ACT_ALOW\". Did you mean SCMP_ACT_ALLOW?");
  CHECK(error_of("{\"defaultAction\": \"SCMP_ACT_ALLOW\",\n\t\"syscall\": []}") ==
        "p.json:2:2: the key \"syscall\" is unknown in the profile. Did you mean \"syscalls\"?");
  CHECK(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "defaultAction": "SCMP_ACT_KILL"})") ==
        "p.json:1:37: the key \"defaultAction\" is here for the second time");
  CHECK(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 4096})") ==
        "p.json:1:56: an errno is not a whole number from 0 to 4095");
  CHECK(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "defaultErrno": "ENOWAY"})") ==
        "p.json:1:53: there is no errno \"ENOWAY\"");
  CHECK(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/s"})") ==
        "p.json:1:53: the profile hands calls to a listener, and there is none here");
  CHECK(error_of(R"({"defaultAction": "SCMP_ACT_NOTIFY"})") ==
        "p.json:1:19: SCMP_ACT_NOTIFY hands calls to a listener, and there is none here");
  CHECK(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOGS"]})") ==
        "p.json:1:47: there is no flag \"SECCOMP_FILTER_FLAG_LOGS\" here");
  CHECK(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_46"]})") ==
        "p.json:1:55: there is no architecture \"SCMP_ARCH_X86_46\"");
  CHECK(error_of(R"({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"],
    "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]})") ==
        "p.json:2:16: the profile has both architectures and archMap");
}

TEST_CASE("so does one in a rule") {
  const auto rule = [](const std::string& members) { return error_of(with_rules("\n{" + members + "}")); };
  const std::string whole = R"("names": ["read"], "action": "SCMP_ACT_ERRNO", )";
  CHECK(error_of(with_rules("\n7")) == "p.json:2:1: a rule is not an object");
  CHECK(rule(R"("action": "SCMP_ACT_ERRNO")") == "p.json:2:1: the rule has no names of calls");
  CHECK(rule(R"("names": ["read"])") == "p.json:2:1: the rule has no action");
  CHECK(rule(R"("names": "read", "action": "SCMP_ACT_ERRNO")") == "p.json:2:11: names is not a list");
  CHECK(rule(R"("names": [7], "action": "SCMP_ACT_ERRNO")") == "p.json:2:12: the name of a call is not text");
  CHECK(rule(whole + R"("arg": [])") == "p.json:2:49: the key \"arg\" is unknown in a rule. Did you mean \"args\"?");
  CHECK(rule(whole + R"("errnoRet": -1)") == "p.json:2:61: an errno is not a whole number from 0 to 4095");
  CHECK(rule(whole + R"("errnoRet": 1.0)") == "p.json:2:61: an errno is not a whole number from 0 to 4095");
  CHECK(rule(whole + R"("args": [{"index": 0}])") == "p.json:2:58: a condition has index, value and op");
  CHECK(rule(whole + R"("args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}])") ==
        "p.json:2:68: index is not a whole number from 0 to 5");
  CHECK(rule(whole + R"("args": [{"index": 0, "value": 0, "op": "SCMP_CMP_BETWEEN"}])") ==
        "p.json:2:89: there is no comparison \"SCMP_CMP_BETWEEN\"");
  CHECK(rule(whole + R"("includes": {"caps": ["CAP_SYS_ADMEN"]})") ==
        "p.json:2:71: there is no capability \"CAP_SYS_ADMEN\"");
  CHECK(rule(whole + R"("includes": {"minKernel": "4"})") == "p.json:2:75: minKernel is not a version such as 4.8");
  CHECK(rule(whole + R"("includes": {"minKernel": "4.8-rc1"})") ==
        "p.json:2:75: minKernel is not a version such as 4.8");
  CHECK(rule(whole + R"("includes": {"kernel": "4.8"})") == "p.json:2:62: the key \"kernel\" is unknown in includes");
}

TEST_CASE("a rule that is not for this machine is checked all the same") {
  CHECK(error_of(with_rules(R"({"names": ["read"], "action": "ALLOW", "includes": {"arches": ["s390x"]}})")) != "");
}

TEST_CASE("texts that are large or deep are refused, not followed") {
  CHECK(error_of(std::string(2'000'000, ' ')) == "p.json is larger than 1 MiB");
  CHECK(error_of(std::string(1'000'000, '[')) == "p.json:1:17: there are too many levels");
  std::string keys = "{";
  for (int i = 0; i < 100; ++i) keys += "\"k" + std::to_string(i) + "\": 0, ";
  CHECK(error_of(keys + "\"z\": 0}").ends_with("there are too many keys"));
}

TEST_CASE("text of the profile that is no text for a terminal does not get there") {
  CHECK(error_of("{\"\\u001b[2J\": 1}").find('\x1b') == std::string::npos);
  CHECK(error_of("{\"defaultAction\": \"\\n\\u0007\"}").find('\n') == std::string::npos);
}

}  // namespace
}  // namespace wg4::container::filter
