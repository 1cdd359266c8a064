#pragma once
// The container around the commands of a tunnel: --container, and bubblewrap's words (wireguard4netns-container(1)).

#include <optional>
#include <string>
#include <vector>

#include "netns-helper/container/container.h"
#include "shared/base/result.h"
#include "shared/sys/process.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/supervise/keeper.h"

namespace wg4 {

struct ContainerOptions {
  bool usual = false;                ///< --container: a read-only system, and folders of its own for what is written
  std::vector<std::string> words{};  ///< bubblewrap's, in their order: "--bind", "/a", "/b", ...
};

/// What remains of a line without its container's words, which go to `options`.
[[nodiscard]] std::vector<const char*> take_container_words(const Arguments& line, ContainerOptions& options);

/// How a command starts, by words or without.
struct CommandShape {
  std::string program;                 ///< a path, or is searched for
  std::vector<std::string> arguments;  ///< its own name included
  std::vector<std::string> environment;
  std::optional<std::string> directory{};  ///< asked for: else the working directory, or a near one
  std::vector<InheritedFd> files{};        ///< that it gets beside the standard streams
  bool only_these_files = false;           ///< else whatever is open without close-on-exec
  bool new_session = false;
};

/// All of it for one line: the words are read once, since some name descriptors that are read to their end.
struct ContainedCommand {
  CommandShape command;
  std::optional<keeper::ContainerPlan> plan{};  ///< nothing if there is to be none
  std::vector<std::string> agreed{};  ///< "--word" or "--word=its arguments": what two users of a tunnel must agree on
};

[[nodiscard]] Result<ContainedCommand> contain(const ContainerOptions& options,
                                               const std::vector<std::string>& command);

/// For a tunnel without a command, to which words can then not belong.
[[nodiscard]] Result<ContainedCommand> contain_nothing(const ContainerOptions& options);

/// For a command in a tunnel that runs: whatever it is in has been made, so words can only be about the command.
[[nodiscard]] Result<CommandShape> shape_of_joining(const ContainerOptions& options,
                                                    const std::vector<std::string>& command);

}  // namespace wg4
