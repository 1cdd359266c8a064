#pragma once
// The values of words (words.h), each with an error that names the word.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace wg4::container {

/// "--perms".
[[nodiscard]] std::string option(std::string_view word);

/// A number in decimal digits, within these.
[[nodiscard]] Result<std::uint64_t> parse_number(std::string_view word, const std::string& text, std::uint64_t least,
                                                 std::uint64_t most);
/// A descriptor that is open in this process.
[[nodiscard]] Result<int> parse_fd(std::string_view word, const std::string& text);
/// Octal: "0755".
[[nodiscard]] Result<mode_t> parse_mode(std::string_view word, const std::string& text);

/// All that can be read from the descriptor, which is closed then.
[[nodiscard]] Result<std::string> read_fd(std::string_view word, const std::string& text, std::size_t limit);

/// As an operation's source: from this process' working folder on.
[[nodiscard]] std::string host_path(const std::string& path);
/// As its target: from the new root on.
[[nodiscard]] std::string inner_path(const std::string& path);

}  // namespace wg4::container
