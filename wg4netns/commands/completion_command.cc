#include "wg4netns/commands/completion_command.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "wg4netns/commands/cli_group.h"
#include "wg4netns/commands/parser.h"

namespace wg4 {

Parsed<CompletionCommand> parse_completion(const Arguments& arguments) {
  CompletionCommand command{.table = arguments.table};
  Parser parser("Prints a script that completes command lines of this program.", arguments);
  parser
      .choice("SHELL", "", command.shell, {{"bash", Shell::bash}, {"fish", Shell::fish}, {"zsh", Shell::zsh}},
              "bash, fish or zsh")
      .required();
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_completion(const CompletionCommand& command) {
  return print({completion_script(command.shell, TRY(describe(command.table)))});
}

Result<std::vector<CommandDescription>> describe(CommandTable table) {
  std::vector<CommandDescription> all;
  for (const CommandEntry& entry : table) {
    if (entry.hidden || entry.takes != nullptr) continue;
    CommandDescription description = TRY(describe(entry, table));
    auto of_group = std::exchange(description.commands, {});
    all.push_back(std::move(description));
    std::ranges::move(of_group, std::back_inserter(all));
  }
  return all;
}

}  // namespace wg4
