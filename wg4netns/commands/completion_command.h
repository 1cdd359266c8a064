#pragma once

#include <vector>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/completion.h"

namespace wg4 {

/// wireguard4netns completion SHELL
struct CompletionCommand {
  Shell shell = Shell::bash;
  CommandTable table;
};

[[nodiscard]] Parsed<CompletionCommand> parse_completion(const Arguments& arguments);
[[nodiscard]] Result<void> run_completion(const CompletionCommand& command);

/// The options and arguments of every command that is not hidden. The first is the program without a command.
[[nodiscard]] Result<std::vector<CommandDescription>> describe(CommandTable table);

}  // namespace wg4
