#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "netns-helper/container/filter/policy.h"
#include "shared/sys/syscall_filter.h"

namespace wg4::container::filter {
namespace {

struct Named {
  std::string_view name;
  std::uint64_t value;
};

constexpr auto clone_flags = std::to_array<Named>({
    {"CLONE_NEWTIME", CLONE_NEWTIME},
    {"CLONE_NEWNS", CLONE_NEWNS},
    {"CLONE_NEWCGROUP", CLONE_NEWCGROUP},
    {"CLONE_NEWUTS", CLONE_NEWUTS},
    {"CLONE_NEWIPC", CLONE_NEWIPC},
    {"CLONE_NEWUSER", CLONE_NEWUSER},
    {"CLONE_NEWPID", CLONE_NEWPID},
    {"CLONE_NEWNET", CLONE_NEWNET},
});

constexpr auto terminal_requests = std::to_array<Named>({{"TIOCSTI", TIOCSTI}, {"TIOCLINUX", TIOCLINUX}});

constexpr auto personalities = std::to_array<Named>({
    {"PER_LINUX", PER_LINUX},
    {"PER_LINUX32", PER_LINUX32},
    {"UNAME26", UNAME26},
    {"PER_LINUX32|UNAME26", std::uint64_t{PER_LINUX32} | std::uint64_t{UNAME26}},
    {"the question for it", UINT32_MAX},
});

constexpr auto socket_families = std::to_array<Named>({
    {"AF_UNSPEC", AF_UNSPEC},
    {"AF_UNIX", AF_UNIX},
    {"AF_INET", AF_INET},
    {"AF_AX25", AF_AX25},
    {"AF_IPX", AF_IPX},
    {"AF_APPLETALK", AF_APPLETALK},
    {"AF_NETROM", AF_NETROM},
    {"AF_BRIDGE", AF_BRIDGE},
    {"AF_ATMPVC", AF_ATMPVC},
    {"AF_X25", AF_X25},
    {"AF_INET6", AF_INET6},
    {"AF_ROSE", AF_ROSE},
    {"AF_DECnet", AF_DECnet},
    {"AF_NETBEUI", AF_NETBEUI},
    {"AF_SECURITY", AF_SECURITY},
    {"AF_KEY", AF_KEY},
    {"AF_NETLINK", AF_NETLINK},
    {"AF_PACKET", AF_PACKET},
    {"AF_ASH", AF_ASH},
    {"AF_ECONET", AF_ECONET},
    {"AF_ATMSVC", AF_ATMSVC},
    {"AF_RDS", AF_RDS},
    {"AF_SNA", AF_SNA},
    {"AF_IRDA", AF_IRDA},
    {"AF_PPPOX", AF_PPPOX},
    {"AF_WANPIPE", AF_WANPIPE},
    {"AF_LLC", AF_LLC},
    {"AF_IB", AF_IB},
    {"AF_MPLS", AF_MPLS},
    {"AF_CAN", AF_CAN},
    {"AF_TIPC", AF_TIPC},
    {"AF_BLUETOOTH", AF_BLUETOOTH},
    {"AF_IUCV", AF_IUCV},
    {"AF_RXRPC", AF_RXRPC},
    {"AF_ISDN", AF_ISDN},
    {"AF_PHONET", AF_PHONET},
    {"AF_IEEE802154", AF_IEEE802154},
    {"AF_CAIF", AF_CAIF},
    {"AF_ALG", AF_ALG},
    {"AF_NFC", AF_NFC},
    {"AF_VSOCK", AF_VSOCK},
    {"AF_KCM", AF_KCM},
    {"AF_QIPCRTR", AF_QIPCRTR},
    {"AF_SMC", AF_SMC},
    {"AF_XDP", AF_XDP},
});

struct Argument {
  std::string_view call;
  unsigned index;
  std::string_view name;
  std::span<const Named> values;
  bool is_set = false;  ///< of bits
};

constexpr auto named_arguments = std::to_array<Argument>({
    {"clone", 0, "flags", clone_flags, true},
    {"unshare", 0, "flags", clone_flags, true},
    {"ioctl", 1, "request", terminal_requests},
    {"personality", 0, "persona", personalities},
    {"socket", 0, "domain", socket_families},
    {"socket", 2, "protocol", {}},
});

std::string number(std::uint64_t value) { return value < 10 ? fmt::format("{}", value) : fmt::format("{:#x}", value); }

/// The names of the bits in `value`, and what is left as a number.
std::string bits_of(std::uint64_t value, std::span<const Named> names) {
  std::vector<std::string> words;
  for (const Named& bit : names) {
    if ((value & bit.value) == 0) continue;
    words.emplace_back(bit.name);
    value &= ~bit.value;
  }
  if (value != 0 || words.empty()) words.push_back(number(value));
  return fmt::format("{}", fmt::join(words, "|"));
}

std::string value_of(std::uint64_t value, const Argument& argument) {
  if (argument.is_set) return bits_of(value, argument.values);
  const auto found = std::ranges::find(argument.values, value, &Named::value);
  return found == argument.values.end() ? number(value) : std::string(found->name);
}

std::string text_of(const ArgumentTest& test, const Argument& argument) {
  const auto compared = [&](std::string_view sign) {
    return fmt::format("{} {} {}", argument.name, sign, value_of(test.value, argument));
  };
  switch (test.comparison) {
    case Comparison::not_equal:
      return compared("!=");
    case Comparison::less:
      return compared("<");
    case Comparison::at_most:
      return compared("<=");
    case Comparison::equal:
      return compared("=");
    case Comparison::at_least:
      return compared(">=");
    case Comparison::greater:
      return compared(">");
    case Comparison::masked:
      break;
  }
  if (test.mask == UINT32_MAX || test.mask == UINT64_MAX) return compared("=");
  const std::string mask = value_of(test.mask, argument);
  if (test.value == test.mask) return fmt::format("{} has {}", argument.name, mask);
  if (test.value == 0) return fmt::format("{} without {}", argument.name, mask);
  return fmt::format("{} & {} = {}", argument.name, mask, value_of(test.value, argument));
}

std::string text_of(const ArgumentTest& test, std::string_view call) {
  for (const Argument& argument : named_arguments)
    if (argument.call == call && argument.index == test.index) return text_of(test, argument);
  const std::string name = fmt::format("arg{}", test.index);
  return text_of(test, Argument{call, test.index, name, {}});
}

std::string conditions_of(const Rule& rule) {
  std::vector<std::string> texts;
  texts.reserve(rule.tests.size());
  for (const ArgumentTest& test : rule.tests) texts.push_back(text_of(test, rule.call));
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string text_of(Action action) {
  const auto data = static_cast<int>(action & SECCOMP_RET_DATA);
  switch (action & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
      return "allowed";
    case SECCOMP_RET_LOG:
      return "allowed, and logged";
    case SECCOMP_RET_ERRNO: {
      const char* const name = strerrorname_np(data);
      return name != nullptr && data != 0 ? name : fmt::format("errno {}", data);
    }
    case SECCOMP_RET_TRACE:
      return fmt::format("asks the tracer ({})", data);
    case SECCOMP_RET_TRAP:
      return "SIGSYS";
    case SECCOMP_RET_KILL_THREAD:
      return "ends the thread";
    default:
      return "ends the process";
  }
}

}  // namespace

std::string print(const Policy& policy) {
  constexpr std::string_view others = "all others";
  constexpr std::size_t widest_column = 40;  // a longer text moves what follows it
  const std::vector<Rule> rules = effective_rules(policy);
  std::size_t calls = others.size();
  std::size_t conditions = 0;
  for (const Rule& rule : rules) {
    calls = std::max(calls, rule.call.size());
    conditions = std::max(conditions, std::min(conditions_of(rule).size(), widest_column));
  }
  std::vector<std::string> architectures;
  architectures.reserve(policy.architectures.size());
  for (const std::uint32_t architecture : policy.architectures)
    architectures.push_back(architecture_name(architecture));
  std::string text = fmt::format("# architectures: {}; a call of another: {}\n", fmt::join(architectures, ", "),
                                 text_of(policy.other_architectures));
  std::vector<std::string_view> without_effect;
  for (const Rule& rule : rules) {
    if (has_effect(rule, policy.architectures))
      text +=
          fmt::format("{:<{}}  {:<{}}  {}\n", rule.call, calls, conditions_of(rule), conditions, text_of(rule.action));
    else if (std::ranges::find(without_effect, rule.call) == without_effect.end())
      without_effect.push_back(rule.call);
  }
  text += fmt::format("{:<{}}  {:<{}}  {}\n", others, calls, "", conditions, text_of(policy.otherwise));
  if (!without_effect.empty())
    text += fmt::format("# no calls of these architectures: {}\n", fmt::join(without_effect, " "));
  return text;
}

}  // namespace wg4::container::filter
