#pragma once
// Commands in a tunnel: run, exec, shell.

#include <string>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/container_options.h"
#include "wg4netns/commands/run_options.h"

namespace wg4 {

/// As chroot(1) and container engines have it: what failed is this program, and not the command.
inline constexpr int own_failure = 125;

/// wireguard4netns run [OPTIONS] [PROFILE|FILE] -- COMMAND [ARG...]
struct RunCommand {
  RunOptions options;
  std::vector<std::string> command;
};

/// wireguard4netns exec NAME|PID [WORDS] -- COMMAND [ARG...], and shell [NAME]
struct ExecCommand {
  std::string name;
  ContainerOptions container;
  std::vector<std::string> command;
};

[[nodiscard]] Parsed<RunCommand> parse_run(const Arguments& arguments);
[[nodiscard]] Parsed<ExecCommand> parse_exec(const Arguments& arguments);
[[nodiscard]] Parsed<ExecCommand> parse_shell(const Arguments& arguments);

/// The command's exit status, 128 + n if signal n has killed it; 126 if it cannot be executed, 127 if there is none.
[[nodiscard]] Result<int> run_command(const RunCommand& command);
[[nodiscard]] Result<int> exec_command(const ExecCommand& command);

}  // namespace wg4
