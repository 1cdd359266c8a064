#pragma once
// The command line. The program is a table of commands (main.cc), each a row: what it is called, and how its words
// become something to do. What a command takes, and what it does then, is in its own files; none of them is known here.
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

/// A command that has understood its words, and only has to be run. It gives the program's exit status.
using Task = std::move_only_function<Result<int>()>;

/// A row of the table. Rows without a name are for words that name no command: the first that takes them gets them.
struct CommandEntry {
  std::string_view name = {};
  std::string_view about = {};  ///< a line for --help
  Result<Task> (*prepare)(const Arguments& arguments) = nullptr;
  std::string_view also_called = {};  ///< whoever starts the program by this name means the command
  bool (*takes)(std::span<const char* const> words) = nullptr;  ///< of a row without a name; null: all words
  bool hidden = false;                   ///< from --help and completion: our own processes use it
  bool becomes_another_program = false;  ///< whose words they are; it holds no key of ours, and may be looked into
  bool runs_another_program = false;     ///< whose words are those behind "--"
  int failure = EXIT_FAILURE;            ///< the exit status that an error makes
};

using CommandTable = std::span<const CommandEntry>;

/// What a command is called with.
struct Arguments {
  std::span<const char* const> words = {};    ///< without its own name
  std::string_view command = {};              ///< its name; empty: the program without a command
  std::string_view program = {};              ///< argv[0], without its folder
  CommandTable table = {};                    ///< all there are
  CommandDescription* description = nullptr;  ///< to be filled in, instead of reading `words`
};

/// Text for standard output, and nothing else to do: --help, --version.
struct Text {
  std::string text;
};

/// What a command makes of its words.
template <class Command>
using Parsed = Result<std::variant<Command, Text>>;

/// The names of the commands that are not hidden, in the table's order.
[[nodiscard]] std::vector<std::string_view> names_of(CommandTable table);

struct FoundCommand {
  const CommandEntry* entry = nullptr;
  Arguments arguments;
};

/// Which command a line means. Fails if a word is empty, as an unset variable of a script makes it.
[[nodiscard]] Result<FoundCommand> find_command(CommandTable table, std::span<const char* const> argv);

/// What came of a command line.
struct Outcome {
  Result<int> status;          ///< the exit status
  int failure = EXIT_FAILURE;  ///< the exit status if that is an error
};

/// The program, once it has started up.
[[nodiscard]] Outcome run_command_line(CommandTable table, std::span<const char* const> argv);

[[nodiscard]] Result<void> print(const Text& text);

[[nodiscard]] inline Result<int> with_status(Result<int> status) { return status; }
[[nodiscard]] inline Result<int> with_status(const Result<void>& result) {
  if (!result) return std::unexpected(result.error());
  return EXIT_SUCCESS;
}

/// A row's `prepare`: `parse` gives a value, which `run` is for.
template <auto parse, auto run>
Result<Task> prepare(const Arguments& arguments) {
  auto parsed = TRY(parse(arguments));
  if (auto* text = std::get_if<Text>(&parsed))
    return Task([text = std::move(*text)]() -> Result<int> { return with_status(print(text)); });
  return Task([command = std::get<0>(std::move(parsed))]() -> Result<int> { return with_status(run(command)); });
}

}  // namespace wg4
