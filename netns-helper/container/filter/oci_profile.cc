#include "netns-helper/container/filter/oci_profile.h"

#include <linux/audit.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <expected>
#include <initializer_list>
#include <optional>
#include <set>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "netns-helper/container/filter/located_json.h"
#include "shared/base/escaped_text.h"
#include "shared/base/near_word.h"

namespace wg4::container::filter {
namespace {

using Words = std::initializer_list<std::string_view>;

constexpr unsigned max_arguments = 6;
constexpr std::uint64_t max_errno = 4095;  // the kernel makes larger ones to this

// By their numbers in linux/capability.h.
constexpr auto capabilities = std::to_array<std::string_view>({
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
});

constexpr auto comparisons = std::to_array<std::pair<std::string_view, Comparison>>({
    {"SCMP_CMP_NE", Comparison::not_equal},
    {"SCMP_CMP_LT", Comparison::less},
    {"SCMP_CMP_LE", Comparison::at_most},
    {"SCMP_CMP_EQ", Comparison::equal},
    {"SCMP_CMP_GE", Comparison::at_least},
    {"SCMP_CMP_GT", Comparison::greater},
    {"SCMP_CMP_MASKED_EQ", Comparison::masked},
});

constexpr auto actions = std::to_array<std::pair<std::string_view, Action>>({
    {"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
    {"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
    {"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
    {"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
    {"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO},
    {"SCMP_ACT_TRACE", SECCOMP_RET_TRACE},
    {"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
    {"SCMP_ACT_LOG", SECCOMP_RET_LOG},
});

/// As Docker and Podman name an architecture in includes and excludes.
std::string_view engine_name(std::uint32_t architecture) {
  switch (architecture) {
    case AUDIT_ARCH_X86_64:
      return "amd64";
    case AUDIT_ARCH_I386:
      return "x86";
    case AUDIT_ARCH_AARCH64:
      return "arm64";
    case AUDIT_ARCH_ARM:
      return "arm";
    case AUDIT_ARCH_PPC64LE:
      return "ppc64le";
    case AUDIT_ARCH_RISCV64:
      return "riscv64";
    case AUDIT_ARCH_S390X:
      return "s390x";
    default:
      return "";
  }
}

std::optional<std::uint32_t> architecture_of(std::string_view name) {
  constexpr std::string_view prefix = "SCMP_ARCH_";
  if (!name.starts_with(prefix)) return std::nullopt;
  std::string lower(name.substr(prefix.size()));
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return find_architecture(lower);
}

std::string in_quotes(std::string_view text) { return "\"" + printable(text) + "\""; }

/// The value in a table of pairs that has this name.
template <class Table>
const auto* find_named(const Table& table, std::string_view name) {
  const auto found = std::ranges::find(table, name, [](const auto& entry) { return entry.first; });
  return found == table.end() ? nullptr : &found->second;
}

template <class Table>
std::string nearest_name(const Table& table, std::string_view name) {
  std::vector<std::string_view> names;
  names.reserve(table.size());
  for (const auto& entry : table) names.push_back(entry.first);
  const std::string_view near = nearest_word(name, names);
  return near.empty() ? std::string() : "Did you mean " + std::string(near) + "?";
}

/// The errno that is called `name`; 0 if there is none.
int errno_called(std::string_view name) {
  constexpr int beyond_all = 200;
  for (int number = 1; number < beyond_all; ++number) {
    const char* const known = strerrorname_np(number);
    if (known != nullptr && name == known) return number;
  }
  return 0;
}

/// Reads values of the profile, and has the errors for those that are of another type.
class Reader {
 public:
  explicit Reader(const NamedText& text) : text_(text) {}

  [[nodiscard]] std::unexpected<Error> fail_at(const LocatedJson& json, const std::string& what,
                                               const std::string& hint = {}) const {
    return text_.fail_at(json.offset, what, hint);
  }

  /// An object that has no other keys. `what` is for the error: "a rule".
  [[nodiscard]] Result<const JsonObject*> object(const LocatedJson& json, const char* what, Words keys) const {
    const auto* const members = json.get<JsonObject>();
    if (members == nullptr) return fail_at(json, std::string(what) + " is not an object");
    for (const JsonMember& member : *members) {
      if (std::ranges::find(keys, member.key) != keys.end()) continue;
      const std::string_view near = nearest_word(member.key, std::span(keys.begin(), keys.size()));
      return text_.fail_at(member.offset, "the key " + in_quotes(member.key) + " is unknown in " + what,
                           near.empty() ? "" : "Did you mean " + in_quotes(near) + "?");
    }
    return members;
  }

  [[nodiscard]] Result<const std::string*> string(const LocatedJson& json, const char* what) const {
    if (const auto* const text = json.get<std::string>()) return text;
    return fail_at(json, std::string(what) + " is not text");
  }

  [[nodiscard]] Result<std::uint64_t> number(const LocatedJson& json, const char* what, std::uint64_t largest) const {
    const auto* const value = json.get<std::uint64_t>();
    if (value == nullptr || *value > largest)
      return fail_at(json, std::string(what) + " is not a whole number from 0 to " + std::to_string(largest));
    return *value;
  }

  [[nodiscard]] Result<const JsonArray*> array(const LocatedJson& json, const char* what) const {
    if (const auto* const items = json.get<JsonArray>()) return items;
    return fail_at(json, std::string(what) + " is not a list");
  }

 private:
  const NamedText& text_;
};

/// A member that is there and not null.
const LocatedJson* find(const JsonObject& object, std::string_view key) {
  const auto found = std::ranges::find(object, key, &JsonMember::key);
  return found == object.end() || found->value.get<JsonNull>() != nullptr ? nullptr : &found->value;
}

class ProfileParser {
 public:
  ProfileParser(const NamedText& text, const ProfileFacts& facts) : read_(text), facts_(facts) {}

  [[nodiscard]] Result<Policy> parse(const LocatedJson& json) {
    const JsonObject& profile =
        *TRY(read_.object(json, "the profile",
                          {"defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap", "flags",
                           "syscalls", "listenerPath", "listenerMetadata", "comment"}));
    if (const auto* const listener = find(profile, "listenerPath"))
      return read_.fail_at(*listener, "the profile hands calls to a listener, and there is none here");
    const auto* const action = find(profile, "defaultAction");
    if (action == nullptr) return read_.fail_at(json, "the profile has no defaultAction");
    policy_.otherwise = TRY(parse_action(*action, find(profile, "defaultErrnoRet"), find(profile, "defaultErrno")));
    TRY(parse_architectures(profile));
    if (const auto* const flags = find(profile, "flags")) TRY(parse_flags(*flags));
    if (const auto* const rules = find(profile, "syscalls"))
      for (const LocatedJson& rule : *TRY(read_.array(*rules, "syscalls"))) TRY(parse_rule(rule));
    return std::move(policy_);
  }

 private:
  [[nodiscard]] Result<Action> parse_action(const LocatedJson& json, const LocatedJson* number,
                                            const LocatedJson* name) const {
    const std::string& word = *TRY(read_.string(json, "an action"));
    if (word == "SCMP_ACT_NOTIFY")
      return read_.fail_at(json, "SCMP_ACT_NOTIFY hands calls to a listener, and there is none here");
    const Action* const action = find_named(actions, word);
    if (action == nullptr)
      return read_.fail_at(json, "there is no action " + in_quotes(word), nearest_name(actions, word));
    std::uint64_t result = EPERM;
    if (number != nullptr) result = TRY(read_.number(*number, "an errno", max_errno));
    if (name != nullptr) result = TRY(parse_errno(*name));
    const bool has_data = *action == SECCOMP_RET_ERRNO || *action == SECCOMP_RET_TRACE;
    return has_data ? *action | static_cast<Action>(result) : *action;
  }

  [[nodiscard]] Result<std::uint64_t> parse_errno(const LocatedJson& json) const {
    const std::string& name = *TRY(read_.string(json, "an errno"));
    const int number = errno_called(name);
    if (number == 0) return read_.fail_at(json, "there is no errno " + in_quotes(name));
    return static_cast<std::uint64_t>(number);
  }

  /// The machine's own is always one of them.
  Result<void> parse_architectures(const JsonObject& profile) {
    policy_.architectures = {facts_.architecture};
    const auto* const list = find(profile, "architectures");
    const auto* const map = find(profile, "archMap");
    if (list != nullptr && map != nullptr && !TRY(read_.array(*list, "architectures"))->empty() &&
        !TRY(read_.array(*map, "archMap"))->empty())
      return read_.fail_at(*map, "the profile has both architectures and archMap");
    if (list != nullptr) TRY(add_architectures(*list));
    if (map == nullptr) return {};
    for (const LocatedJson& json : *TRY(read_.array(*map, "archMap"))) {
      const JsonObject& entry = *TRY(read_.object(json, "archMap", {"architecture", "subArchitectures"}));
      const auto* const main = find(entry, "architecture");
      if (main == nullptr) return read_.fail_at(json, "archMap has an entry without an architecture");
      // What other machines have is of no concern, so this one need not know it.
      if (architecture_of(*TRY(read_.string(*main, "an architecture"))) != facts_.architecture) continue;
      if (const auto* const others = find(entry, "subArchitectures")) TRY(add_architectures(*others));
    }
    return {};
  }

  Result<void> add_architectures(const LocatedJson& list) {
    for (const LocatedJson& json : *TRY(read_.array(list, "a list of architectures"))) {
      const std::string& name = *TRY(read_.string(json, "an architecture"));
      const auto architecture = architecture_of(name);
      if (!architecture) return read_.fail_at(json, "there is no architecture " + in_quotes(name));
      auto& known = policy_.architectures;
      if (std::ranges::find(known, *architecture) == known.end()) known.push_back(*architecture);
    }
    return {};
  }

  /// How the kernel is to take the filter. Two are for threads, and for speed: they are so with each filter here.
  Result<void> parse_flags(const LocatedJson& list) {
    for (const LocatedJson& json : *TRY(read_.array(list, "flags"))) {
      const std::string& flag = *TRY(read_.string(json, "a flag"));
      if (flag == "SECCOMP_FILTER_FLAG_LOG")
        policy_.log_denied = true;
      else if (flag != "SECCOMP_FILTER_FLAG_TSYNC" && flag != "SECCOMP_FILTER_FLAG_SPEC_ALLOW")
        return read_.fail_at(json, "there is no flag " + in_quotes(flag) + " here");
    }
    return {};
  }

  Result<void> parse_rule(const LocatedJson& json) {
    const JsonObject& rule = *TRY(read_.object(
        json, "a rule", {"name", "names", "action", "errnoRet", "errno", "args", "comment", "includes", "excludes"}));
    const auto* const action_json = find(rule, "action");
    if (action_json == nullptr) return read_.fail_at(json, "the rule has no action");
    const Action action = TRY(parse_action(*action_json, find(rule, "errnoRet"), find(rule, "errno")));
    const std::vector<std::string> names = TRY(parse_names(json, rule));
    const std::vector<ArgumentTest> tests = TRY(parse_tests(rule));
    if (!TRY(is_for_here(rule))) return {};
    for (const std::string& name : names) add_rule(name, action, tests);
    return {};
  }

  /// As runc does it: conditions on different arguments must all hold; where one argument has two, any of all.
  void add_rule(const std::string& name, Action action, const std::vector<ArgumentTest>& tests) {
    std::set<unsigned> arguments;
    for (const ArgumentTest& test : tests) arguments.insert(test.index);
    if (arguments.size() == tests.size()) {
      policy_.rules.push_back({name, action, tests});
      return;
    }
    for (const ArgumentTest& test : tests) policy_.rules.push_back({name, action, {test}});
  }

  [[nodiscard]] Result<std::vector<std::string>> parse_names(const LocatedJson& json, const JsonObject& rule) const {
    std::vector<std::string> names;
    if (const auto* const one = find(rule, "name")) names.push_back(*TRY(read_.string(*one, "the name of a call")));
    const auto* const list = find(rule, "names");
    if (list == nullptr && names.empty()) return read_.fail_at(json, "the rule has no names of calls");
    if (list != nullptr)
      for (const LocatedJson& name : *TRY(read_.array(*list, "names")))
        names.push_back(*TRY(read_.string(name, "the name of a call")));
    return names;
  }

  [[nodiscard]] Result<std::vector<ArgumentTest>> parse_tests(const JsonObject& rule) const {
    std::vector<ArgumentTest> tests;
    const auto* const list = find(rule, "args");
    if (list == nullptr) return tests;
    for (const LocatedJson& json : *TRY(read_.array(*list, "args"))) tests.push_back(TRY(parse_test(json)));
    return tests;
  }

  [[nodiscard]] Result<ArgumentTest> parse_test(const LocatedJson& json) const {
    const JsonObject& test = *TRY(read_.object(json, "a condition", {"index", "value", "valueTwo", "op", "comment"}));
    const auto* const index = find(test, "index");
    const auto* const value = find(test, "value");
    const auto* const op = find(test, "op");
    if (index == nullptr || value == nullptr || op == nullptr)
      return read_.fail_at(json, "a condition has index, value and op");
    const std::string& word = *TRY(read_.string(*op, "op"));
    const Comparison* const comparison = find_named(comparisons, word);
    if (comparison == nullptr)
      return read_.fail_at(*op, "there is no comparison " + in_quotes(word), nearest_name(comparisons, word));
    ArgumentTest made{.index = static_cast<unsigned>(TRY(read_.number(*index, "index", max_arguments - 1))),
                      .comparison = *comparison,
                      .value = TRY(read_.number(*value, "value", UINT64_MAX))};
    std::uint64_t second = 0;
    if (const auto* const two = find(test, "valueTwo")) second = TRY(read_.number(*two, "valueTwo", UINT64_MAX));
    if (*comparison == Comparison::masked) made.mask = std::exchange(made.value, second);
    return made;
  }

  [[nodiscard]] Result<bool> is_for_here(const JsonObject& rule) const {
    if (const auto* const excludes = find(rule, "excludes"))
      for (const bool holds : TRY(parse_conditions(*excludes, "excludes")))
        if (holds) return false;
    if (const auto* const includes = find(rule, "includes"))
      for (const bool holds : TRY(parse_conditions(*includes, "includes")))
        if (!holds) return false;
    return true;
  }

  /// Which of the conditions hold here: each capability, any of the architectures, the kernel's version.
  [[nodiscard]] Result<std::vector<bool>> parse_conditions(const LocatedJson& json, const char* what) const {
    std::vector<bool> conditions;
    const JsonObject& object = *TRY(read_.object(json, what, {"caps", "arches", "minKernel"}));
    if (const auto* const caps = find(object, "caps"))
      for (const LocatedJson& cap : *TRY(read_.array(*caps, "caps"))) conditions.push_back(TRY(has_capability(cap)));
    if (const auto* const arches = find(object, "arches")) {
      bool any = false;
      const JsonArray& names = *TRY(read_.array(*arches, "arches"));
      for (const LocatedJson& name : names)
        any |= *TRY(read_.string(name, "an architecture")) == engine_name(facts_.architecture);
      if (!names.empty()) conditions.push_back(any);
    }
    if (const auto* const version = find(object, "minKernel"))
      conditions.push_back(facts_.kernel >= TRY(parse_kernel(*version)));
    return conditions;
  }

  [[nodiscard]] Result<bool> has_capability(const LocatedJson& json) const {
    const std::string& name = *TRY(read_.string(json, "a capability"));
    const auto* const found = std::ranges::find(capabilities, name);
    if (found == capabilities.end()) return read_.fail_at(json, "there is no capability " + in_quotes(name));
    return (facts_.capabilities >> static_cast<unsigned>(found - capabilities.begin()) & 1U) != 0;
  }

  [[nodiscard]] Result<KernelVersion> parse_kernel(const LocatedJson& json) const {
    const std::string& text = *TRY(read_.string(json, "minKernel"));
    KernelVersion version;
    const char* const end = text.data() + text.size();
    const auto [dot, no_major] = std::from_chars(text.data(), end, version.major);
    const bool has_dot = no_major == std::errc() && dot != end && *dot == '.';
    if (!has_dot || std::from_chars(dot + 1, end, version.minor) != std::from_chars_result{end, std::errc()})
      return read_.fail_at(json, "minKernel is not a version such as 4.8");
    return version;
  }

  Reader read_;
  const ProfileFacts& facts_;
  Policy policy_;
};

}  // namespace

Result<Policy> parse_oci_profile(std::string_view text, const std::string& name, const ProfileFacts& facts) {
  const NamedText named(text, name);
  if (text.size() > max_profile_size) return fail(name + " is larger than 1 MiB");
  const LocatedJson json = TRY(parse_located_json(named));
  return ProfileParser(named, facts).parse(json);
}

}  // namespace wg4::container::filter
