#pragma once
// A command that is a table of commands itself: `profile import`, `profile list`.

#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/completion.h"

namespace wg4 {

/// A row's `prepare` for such a command: what its first word names prepares the rest. In `table` the names are whole
/// ("profile import"); `about` is for --help.
[[nodiscard]] Result<Task> prepare_group(const std::string& about, CommandTable table, const Arguments& arguments);

/// What completion has to know of a row, and of the commands in it. `table`: all that the program has.
[[nodiscard]] Result<CommandDescription> describe(const CommandEntry& entry, CommandTable table);

}  // namespace wg4
