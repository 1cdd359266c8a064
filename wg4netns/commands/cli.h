#pragma once
// The command line. The program is a table of commands (main.cc): each row has a name, and a function that makes a
// task of the command's words. The options of a command and its work are in its own files; this one knows no command.
//
//   argv ── find_command ──► a row and its words ── prepare ──► a task, or an error ── run ──► the exit status

#include <cstdlib>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "shared/base/result.h"

namespace wg4 {

struct Arguments;
struct CommandDescription;

/// A command whose words have been parsed, ready to be run. It gives the program's exit status.
using Task = std::move_only_function<Result<int>()>;

/// A row of the table. Rows without a name are for words that name no command: the first that takes them gets them.
struct CommandEntry {
  std::string_view name = {};
  std::string_view about = {};  ///< a line for --help
  Result<Task> (*prepare)(const Arguments& arguments) = nullptr;
  std::string_view also_called = {};                            ///< the program, started by this name, is this command
  bool (*takes)(std::span<const char* const> words) = nullptr;  ///< for a row without a name; null: it takes all
  std::string_view together = {};        ///< the line of --help for this and its neighbours that have the same here
  bool hidden = false;                   ///< from --help and completion: our own processes use it
  bool becomes_another_program = false;  ///< which gets the words, but no key of ours: others may trace it
  bool runs_another_program = false;     ///< which gets the words behind "--"
  int failure = EXIT_FAILURE;            ///< the exit status that an error makes
};

using CommandTable = std::span<const CommandEntry>;

/// The words that a command is called with, and what they belong to.
struct Arguments {
  std::span<const char* const> words = {};    ///< without its own name
  std::string_view command = {};              ///< its name; empty: the program without a command
  std::string_view program = {};              ///< argv[0], without its folder
  CommandTable table = {};                    ///< all commands
  CommandDescription* description = nullptr;  ///< to be filled in, instead of reading `words`
};

/// Text for standard output, and nothing else to do: --help, --version.
struct Text {
  std::string text;
};

/// The outcome of a command's parser: the command, or a text to print instead.
template <class Command>
using Parsed = Result<std::variant<Command, Text>>;

/// The names of the commands that are not hidden, in the table's order.
[[nodiscard]] std::vector<std::string_view> names_of(CommandTable table);

struct FoundCommand {
  const CommandEntry* entry = nullptr;
  Arguments arguments;
};

/// Finds the command that a line means. Fails if a word is empty, as it is where a script's variable is unset.
[[nodiscard]] Result<FoundCommand> find_command(CommandTable table, std::span<const char* const> argv);

/// The outcome of a command line.
struct Outcome {
  Result<int> status;          ///< the exit status
  int failure = EXIT_FAILURE;  ///< the exit status if that is an error
};

/// The work of the whole program, after its start-up.
[[nodiscard]] Outcome run_command_line(CommandTable table, std::span<const char* const> argv);

[[nodiscard]] Result<void> print(const Text& text);

[[nodiscard]] inline Result<int> with_status(Result<int> status) { return status; }
[[nodiscard]] inline Result<int> with_status(const Result<void>& result) {
  if (!result) return std::unexpected(result.error());
  return EXIT_SUCCESS;
}

/// A row's `prepare`: `parse` makes a value of the words, and the task calls `run` with it.
template <auto parse, auto run>
Result<Task> prepare(const Arguments& arguments) {
  auto parsed = TRY(parse(arguments));
  if (auto* text = std::get_if<Text>(&parsed))
    return Task([text = std::move(*text)]() -> Result<int> { return with_status(print(text)); });
  return Task([command = std::get<0>(std::move(parsed))]() -> Result<int> { return with_status(run(command)); });
}

}  // namespace wg4
