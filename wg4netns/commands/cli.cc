#include "wg4netns/commands/cli.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <expected>

#include "shared/sys/process.h"

namespace wg4 {
namespace {

std::string_view without_folder(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// Among the words that are ours.
bool has_empty_word(const CommandEntry& entry, std::span<const char* const> words) {
  if (entry.becomes_another_program) return false;
  const auto is_separator = [&entry](const char* word) {
    return entry.runs_another_program && std::string_view(word) == "--";
  };
  return std::any_of(words.begin(), std::ranges::find_if(words, is_separator),
                     [](const char* word) { return *word == '\0'; });
}

/// Finds a command by the name of the program, or by the first word.
FoundCommand find_by_name(CommandTable table, std::span<const char* const> argv) {
  Arguments arguments{.words = argv.empty() ? argv : argv.subspan(1),
                      .program = argv.empty() ? "" : without_folder(argv[0]),
                      .table = table};
  const std::string_view first = arguments.words.empty() ? "" : arguments.words[0];
  for (const CommandEntry& entry : table) {
    if (entry.also_called.empty() || entry.also_called != arguments.program) continue;
    arguments.command = entry.name;
    return {&entry, arguments};
  }
  for (const CommandEntry& entry : table) {
    if (entry.name.empty() || entry.name != first) continue;
    arguments.command = entry.name;
    arguments.words = arguments.words.subspan(1);
    return {&entry, arguments};
  }
  return {nullptr, arguments};
}

}  // namespace

std::vector<std::string_view> names_of(CommandTable table) {
  std::vector<std::string_view> names;
  for (const CommandEntry& entry : table)
    if (!entry.name.empty() && !entry.hidden) names.push_back(entry.name);
  return names;
}

Result<FoundCommand> find_command(CommandTable table, std::span<const char* const> argv) {
  FoundCommand found = find_by_name(table, argv);
  const auto words = found.arguments.words;
  if (found.entry != nullptr) return found;
  const auto entry = std::ranges::find_if(table, [&](const CommandEntry& each) {
    return each.name.empty() && (each.takes == nullptr || each.takes(words));
  });
  if (entry == table.end()) return fail("there is nothing to do", 0, "See wireguard4netns --help");
  found.entry = &*entry;
  return found;
}

Outcome run_command_line(CommandTable table, std::span<const char* const> argv) {
  const auto found = find_command(table, argv);
  if (!found) return {std::unexpected(found.error())};
  const CommandEntry& entry = *found->entry;
  const auto run = [&]() -> Result<int> {
    // CLI11 would skip an empty word, and so take a default where the user's variable was unset.
    if (has_empty_word(entry, found->arguments.words))
      return fail("an argument is empty where a name, a path or a value belongs", 0, "See wireguard4netns --help");
    Task task = TRY(entry.prepare(found->arguments));
    // Most commands read keys, some before they do anything else. Stock wg(8) gets no key from us, and needs namespaces
    // that a process which cannot be traced cannot make.
    if (!entry.becomes_another_program) TRY(forbid_looking_in());
    return task();
  };
  return {run(), entry.failure};
}

Result<void> print(const Text& text) {
  if (std::fputs(text.text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) return fail("write", errno);
  return {};
}

}  // namespace wg4
