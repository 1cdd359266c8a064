#pragma once
// wireguard4netns [OPTIONS] PID|PATH [IFNAME [CONF]]: its options, and how its words become an AttachCommand. Options
// that it takes in the place of slirp4netns are in engines/slirp4netns_options.h.

#include <optional>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/daemon/attach_options.h"

namespace wg4 {

/// The command, and those words of the command line that it cannot hold as they were written.
struct AttachArguments {
  AttachCommand command;
  std::optional<std::string> ifname;
  std::optional<std::string> conf;
  bool configure = false;
  bool no_configure = false;
  std::vector<std::string> published;
};

/// The first part of --help, with the list of all commands.
[[nodiscard]] std::string introduction(CommandTable table);

/// Fails if the first word was meant as a command. To be called before options are parsed: they are probably that
/// command's, and would be called unknown.
[[nodiscard]] Result<void> check_first_word(const Arguments& arguments);

void add_attach_options(Parser& parser, AttachArguments& arguments);

/// The command that the parsed arguments ask for.
[[nodiscard]] Result<AttachCommand> attach_command(AttachArguments& arguments, CommandTable table);

}  // namespace wg4
