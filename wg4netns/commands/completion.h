#pragma once
// Scripts that complete our command line in a shell. They are made from what the parser knows, so that they cannot
// differ from --help.

#include <cstdint>
#include <string>
#include <vector>

namespace wg4 {

enum class Shell : std::uint8_t { bash, fish, zsh };

struct OptionDescription {
  std::vector<std::string> names;    ///< with their dashes: "-m", "--mtu"
  std::string value;                 ///< what it takes, as in --help: "BYTES"; empty = nothing
  std::vector<std::string> choices;  ///< the only values there are; empty = others
  std::string about;
};

struct CommandDescription {
  std::string name;  ///< empty = the program without a command; two words for a command of a group: "profile list"
  std::string about;
  std::vector<OptionDescription> options;
  bool takes_files = false;                  ///< one of its arguments is a path
  bool takes_profiles = false;               ///< its first argument is the name of a profile
  bool takes_tunnels = false;                ///< likewise of a tunnel that runs
  bool takes_named_tunnels = false;          ///< likewise of one that commands run in
  std::vector<std::string> first_choices;    ///< what its first argument may be; empty = anything
  std::vector<CommandDescription> commands;  ///< of a group; their names have its own in front
};

/// A script for the shell to read when it starts. The first command is the one without a name; those of a group stand
/// beside it.
[[nodiscard]] std::string completion_script(Shell shell, const std::vector<CommandDescription>& commands);

}  // namespace wg4
