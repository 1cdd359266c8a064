#include "netns-helper/container/filter/policy.h"

#include <linux/filter.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace wg4::container::filter {
namespace {

struct CommonCall {
  std::string_view name;
  std::uint32_t number;
};

/// Calls that are younger than the libseccomp of stable distributions. From 424 on, a call has the same number in all
/// architectures that libseccomp knows, but for those of MIPS and that x32 adds its bit.
constexpr auto young_calls = std::to_array<CommonCall>({{"open_tree_attr", 467}});

/// Its number, if it is for us to refuse.
std::optional<std::uint32_t> young_call(const Rule& rule) {
  const auto* const found = std::ranges::find(young_calls, rule.call, &CommonCall::name);
  const bool fits =
      found != young_calls.end() && rule.tests.empty() && rule.action != allow && !find_syscall(rule.call);
  return fits ? std::optional(found->number) : std::nullopt;
}

constexpr sock_filter statement(unsigned code, std::uint32_t operand) {
  return {.code = static_cast<std::uint16_t>(code), .jt = 0, .jf = 0, .k = operand};
}

/// Goes on with the next instruction if the accumulator is `value`, and else with the one after it.
constexpr sock_filter unless_equal_skip_one(std::uint32_t value) {
  return {.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = 1, .k = value};
}

/// What comes before libseccomp's program, for a call that it does not know.
void refuse_first(FilterProgram& program, std::uint32_t number, Action action) {
  const std::array head{statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)), unless_equal_skip_one(number),
                        statement(BPF_RET | BPF_K, action)};
  program.insert(program.begin(), head.begin(), head.end());
}

}  // namespace

std::vector<Rule> effective_rules(const Policy& policy) {
  std::set<std::string_view> unconditional;
  for (const Rule& rule : policy.rules)
    if (rule.tests.empty() && rule.action != policy.otherwise) unconditional.insert(rule.call);
  std::vector<Rule> rules;
  std::set<std::pair<std::string_view, std::vector<ArgumentTest>>> known;
  for (const Rule& rule : policy.rules) {
    if (rule.action == policy.otherwise || (!rule.tests.empty() && unconditional.contains(rule.call))) continue;
    if (known.emplace(rule.call, rule.tests).second) rules.push_back(rule);
  }
  return rules;
}

Result<FilterProgram> compile(const Policy& policy) {
  SyscallFilter filter{.otherwise = policy.otherwise,
                       .other_architectures = policy.other_architectures,
                       .architectures = policy.architectures,
                       .calls = {}};
  const std::vector<Rule> rules = effective_rules(policy);
  for (const Rule& rule : rules)
    if (const auto number = find_syscall(rule.call)) filter.calls.push_back({*number, rule.action, rule.tests});
  FilterProgram program = TRY(compile_filter(filter));
  const bool with_x32 = std::ranges::find(policy.architectures, x32_architecture) != policy.architectures.end();
  for (const Rule& rule : rules) {
    const auto number = young_call(rule);
    if (!number) continue;
    refuse_first(program, *number, rule.action);
    if (with_x32) refuse_first(program, *number | x32_bit, rule.action);
  }
  return program;
}

bool has_effect(const Rule& rule, const std::vector<std::uint32_t>& architectures) {
  if (young_call(rule)) return true;
  return std::ranges::any_of(architectures,
                             [&](std::uint32_t architecture) { return has_syscall(rule.call, architecture); });
}

}  // namespace wg4::container::filter
