#include "wg4netns/commands/completion_command.h"

#include <string>
#include <utility>

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
    CommandDescription description{.name = std::string(entry.name),
                                   .about = std::string(entry.about),
                                   .options = {},
                                   .takes_files = false,
                                   .first_choices = {}};
    const Arguments arguments{.command = entry.name, .table = table, .description = &description};
    static_cast<void>(TRY(entry.prepare(arguments)));
    all.push_back(std::move(description));
  }
  return all;
}

}  // namespace wg4
