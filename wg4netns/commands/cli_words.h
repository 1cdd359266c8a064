#pragma once
// Words that were meant for another place of the command line than the one that they are in: a file where a name
// belongs, a command that there is not. They must not end in an interface that is called so.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace wg4 {

/// The names of our commands.
using CommandNames = std::span<const std::string_view>;

/// Fails unless a word alone is the name that an interface of WireGuard's usually has (wg0, wg-work, utun3), and of no
/// file. `invited`: something else says that this is wireguard-go's place; then any name will do that is no file's.
[[nodiscard]] Result<void> check_word_alone(const std::string& word, bool invited, CommandNames commands);

/// Fails if the first word of many was meant for a command. The options that come with it are not looked at before:
/// they are that command's, and would be called unknown.
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
