#pragma once

#include <span>
#include <string>

namespace wg4::container {

/// Runs the container of a command line, or answers --help and --version. Returns the status to end with: the
/// command's, 128+n after a signal, and 125 to 127 if it did not run.
[[nodiscard]] int run_by_hand(std::span<const std::string> line);

}  // namespace wg4::container
