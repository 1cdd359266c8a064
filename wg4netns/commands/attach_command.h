#pragma once
// wireguard4netns [OPTIONS] PID|PATH [IFNAME [CONF]]: how its words become an AttachCommand. What it takes beside that
// in slirp4netns's place is that file's (engines/slirp4netns_options.h).

#include <optional>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/daemon/attach_options.h"

namespace wg4 {

/// What was written on the command line, as far as it has no place in the command as it is.
struct AttachArguments {
  AttachCommand command;
  std::optional<std::string> ifname;
  std::optional<std::string> conf;
  bool configure = false;
  bool no_configure = false;
  std::vector<std::string> published;
};

/// What --help says first: all commands there are.
[[nodiscard]] std::string introduction(CommandTable table);

/// Fails if the first word was meant for a command. The options that come with it are not looked at before: they are
/// that command's, and would be called unknown.
[[nodiscard]] Result<void> check_first_word(const Arguments& arguments);

void add_attach_options(Parser& parser, AttachArguments& arguments);

/// What they come to.
[[nodiscard]] Result<AttachCommand> attach_command(AttachArguments& arguments, CommandTable table);

}  // namespace wg4
