#include "wg4netns/commands/cli_group.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <expected>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/near_word.h"
#include "wg4netns/commands/parser.h"

namespace wg4 {
namespace {

std::string_view own_name(const CommandEntry& entry) { return entry.name.substr(entry.name.rfind(' ') + 1); }

std::vector<std::string_view> own_names(CommandTable table) {
  std::vector<std::string_view> names;
  names.reserve(table.size());
  for (const CommandEntry& entry : table) names.push_back(own_name(entry));
  return names;
}

std::string introduction_of_group(const std::string& about, CommandTable table) {
  std::string text = about + "\n\nCommands with a --help of their own:\n";
  for (const CommandEntry& entry : table) text += fmt::format("  {:<10} {}\n", own_name(entry), entry.about);
  return text;
}

Result<Task> describe_group(CommandTable table, const Arguments& arguments) {
  CommandDescription& group = *arguments.description;
  for (const CommandEntry& entry : table) {
    group.first_choices.emplace_back(own_name(entry));
    group.commands.push_back(TRY(describe(entry, arguments.table)));
  }
  return Task([]() -> Result<int> { return EXIT_SUCCESS; });
}

std::unexpected<Error> refuse_word(std::string_view word, CommandTable table, const Arguments& arguments) {
  const auto names = own_names(table);
  const std::string_view near = nearest_word(word, names);
  return fail(
      fmt::format("there is no command '{} {}'", arguments.command, word), 0,
      near.empty() ? fmt::format("There are {}", fmt::join(names, ", ")) : fmt::format("Did you mean {}?", near));
}

}  // namespace

Result<Task> prepare_group(const std::string& about, CommandTable table, const Arguments& arguments) {
  const std::string_view first = arguments.words.empty() ? "" : arguments.words[0];
  const auto entry = std::ranges::find(table, first, own_name);
  if (entry != table.end())
    return entry->prepare({.words = arguments.words.subspan(1),
                           .command = entry->name,
                           .program = arguments.program,
                           .table = arguments.table});
  Parser parser(introduction_of_group(about, table), arguments);
  if (!first.empty() && first.front() != '-') return refuse_word(first, table, arguments);
  if (auto text = TRY(parser.parse())) {
    if (arguments.description != nullptr) return describe_group(table, arguments);
    return Task([text = *std::move(text)]() -> Result<int> { return with_status(print(text)); });
  }
  return fail(fmt::format("'{}' is a group of commands", arguments.command), 0,
              fmt::format("Name one of {}", fmt::join(own_names(table), ", ")));
}

Result<CommandDescription> describe(const CommandEntry& entry, CommandTable table) {
  CommandDescription description{.name = std::string(entry.name),
                                 .about = std::string(entry.about),
                                 .options = {},
                                 .takes_files = false,
                                 .takes_profiles = false,
                                 .takes_tunnels = false,
                                 .takes_named_tunnels = false,
                                 .first_choices = {},
                                 .commands = {}};
  const Arguments arguments{.command = entry.name, .table = table, .description = &description};
  static_cast<void>(TRY(entry.prepare(arguments)));
  return description;
}

}  // namespace wg4
