#pragma once
// What is said to a person who starts this program; wireguard4netns gives it no arguments.

#include <optional>

namespace wg4 {

/// The status to exit with after --help, --version or an error, all of which are printed; nothing without arguments.
[[nodiscard]] std::optional<int> answer_arguments(int argc, char** argv);

}  // namespace wg4
