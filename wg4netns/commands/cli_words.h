#pragma once
// Finds words that are in the wrong place of the command line: a file where a name belongs, a command that does not
// exist. They must not become the name of an interface.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace wg4 {

/// The names of our commands.
using CommandNames = std::span<const std::string_view>;

/// For a line of one word. Fails unless it is a usual name of a WireGuard interface (wg0, wg-work, utun3), and of no
/// file. `invited`: something else says that the program is in wireguard-go's place; then it may be any name that no
/// configuration file would have.
[[nodiscard]] Result<void> check_word_alone(const std::string& word, bool invited, CommandNames commands);

/// Fails if the first of several words was meant as a command. To be called before options are parsed: they are
/// probably that command's, and would be called unknown.
[[nodiscard]] Result<void> check_first_word(const std::string& word, CommandNames commands);

/// PID|PATH [IFNAME [CONF]], as they were written.
struct AttachWords {
  std::string target;
  bool target_is_guessed = true;  ///< --netns-type does not say what it is
  std::optional<std::string> ifname;
  std::optional<std::string> conf;
  bool config_is_named = false;  ///< by an option
};

[[nodiscard]] Result<void> check_attach_words(const AttachWords& words, CommandNames commands);

}  // namespace wg4
