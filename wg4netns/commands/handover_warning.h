#pragma once

#include <string>
#include <vector>

namespace wg4 {

/// Warns if the command is a program that hands its work to a process of its own that runs already
/// (desktop/handover.h), and such a process of this user runs outside of a tunnel: in this process' network.
void warn_of_handover(const std::vector<std::string>& command);

}  // namespace wg4
