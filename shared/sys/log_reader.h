#pragma once
// Who reads standard error? Podman gives its helpers a file that it has unlinked, pasta's place and hooks go on in the
// background. What such a program says would reach nobody, so it goes to syslog as well, and its warnings are kept for
// whoever asks for them later.

#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::log {

/// Finds out, and connects to syslog(3) if need be. To be called before the sandbox, and after descriptors were closed.
void look_for_reader();
/// In a child, which has closed our descriptors.
void leave_syslog();

/// Where to look for what this process says, for people: "standard error", "syslog (journalctl -t wireguard4netns)",
/// ...
[[nodiscard]] std::string place();

/// The warnings so far, the first ones if there are many.
[[nodiscard]] std::vector<std::string> warnings();

/// Podman shows its helper's standard error only if that fails. Where ours is such a file: Podman's own, for a moment.
/// To be called before capabilities are given up.
[[nodiscard]] UniqueFd stderr_of_engine();
/// Writes the warnings so far there, as they would look here.
void repeat_warnings(const UniqueFd& fd);

}  // namespace wg4::log
