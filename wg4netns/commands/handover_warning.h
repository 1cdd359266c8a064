#pragma once

#include <string>
#include <vector>

namespace wg4 {

/// Warns if the command is a program that hands over to one of its kind that runs already, and such a one of this user
/// runs outside of a tunnel: in this process' network.
void warn_of_handover(const std::vector<std::string>& command);

}  // namespace wg4
