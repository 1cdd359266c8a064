#pragma once
// Does anybody read standard error? Podman gives its helpers an unlinked file, and hooks and replacements for pasta go
// on in the background. Nobody would see the log of such a program, so it also goes to syslog, and its warnings are
// kept for a later request.

#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::log {

/// Finds out, and connects to syslog(3) if necessary. To be called after unused descriptors are closed, and before the
/// sandbox.
void look_for_reader();
/// To be called in a child that has closed our descriptors.
void leave_syslog();

/// Where to find this process's log, for people: "standard error", "syslog (journalctl -t wireguard4netns)", ...
[[nodiscard]] std::string place();

/// The warnings so far; only the first ones if there are many.
[[nodiscard]] std::vector<std::string> warnings();

/// Podman shows its helper's standard error only if the helper fails. If ours is Podman's file, this returns Podman's
/// own standard error. To be called before capabilities are given up.
[[nodiscard]] UniqueFd stderr_of_engine();
/// Writes the warnings so far to `fd`, in the format of the log.
void repeat_warnings(const UniqueFd& fd);

}  // namespace wg4::log
