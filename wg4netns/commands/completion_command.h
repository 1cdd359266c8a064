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

/// What every command that is not hidden would take. First comes the program without one.
[[nodiscard]] Result<std::vector<CommandDescription>> describe(CommandTable table);

}  // namespace wg4
