#include "wg4netns/commands/seccomp.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <optional>
#include <utility>

#include "netns-helper/container/filter/choice.h"
#include "netns-helper/container/filter/policy.h"
#include "wg4netns/commands/cli_group.h"
#include "wg4netns/commands/parser.h"

namespace wg4 {
namespace {

namespace filter = container::filter;

constexpr auto commands = std::to_array<CommandEntry>({
    {"seccomp print", "list the rules of a filter", prepare<parse_seccomp_print, run_seccomp_print>},
});

}  // namespace

Parsed<SeccompPrintCommand> parse_seccomp_print(const Arguments& arguments) {
  SeccompPrintCommand command;
  Parser parser("Lists the rules of a filter of system calls: a line for each call that it refuses or allows.",
                arguments);
  parser
      .argument(
          "PRESET|FILE", command.words,
          "default, strict, ext, deny-ns, deny-tty, deny-devel, deny-bypass, linux32: several add up. Or a profile "
          "as container engines have them, FILE.json. Default: default")
      .is_file();
  parser.flag("--multiarch", command.flags.multiarch, "With programs of the machine's 32-bit architecture");
  parser.flag("--can", command.flags.can, "With sockets of CAN buses");
  parser.flag("--bluetooth", command.flags.bluetooth, "With Bluetooth sockets");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_seccomp_print(const SeccompPrintCommand& command) {
  const std::string word = command.words.empty() ? "default" : fmt::format("{}", fmt::join(command.words, ","));
  const filter::Choice choice = TRY(filter::parse_choice(word));
  const filter::Policy policy = TRY(filter::make_policy(choice, {.flags = command.flags}));
  static_cast<void>(TRY(filter::compile(policy)));  // what is printed can also be put in force
  return print(Text{filter::print(policy)});
}

Result<Task> prepare_seccomp(const Arguments& arguments) {
  return prepare_group("Says what filters of system calls do.", commands, arguments);
}

}  // namespace wg4
