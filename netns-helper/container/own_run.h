#pragma once
// A /run of this mount namespace's own, with little of the host's in it: no nscd, no systemd (resolved, userdb), no
// avahi, no bus, no container engine, and none that starts later, since nothing of the host's folder itself is seen.
// What the desktop needs of $XDG_RUNTIME_DIR stays.

#include <string>
#include <vector>

#include "shared/base/result.h"

namespace wg4::container {

/// What of the host's /run is kept.
struct RunSettings {
  /// $XDG_RUNTIME_DIR; without an effect if it is empty or not absolute. If it is not below /run, only the folders of
  /// this project are hidden in it.
  std::string runtime_folder = {};
  /// $SSH_AUTH_SOCK, $XAUTHORITY and the like: a socket in the runtime folder, or a regular file below /run, is kept.
  std::vector<std::string> files = {};
  bool session_bus = false;
  bool system_bus = false;
};

/// Puts it over /run, and over /var/run if that is another folder. Returns the paths by which something of the host's
/// can still be reached. A process that has a working folder below /run stays in the host's: it must enter the folder
/// again, by its path.
[[nodiscard]] Result<std::vector<std::string>> mount_own_run(const RunSettings& settings);

/// Puts an empty read-only folder over one of this user's, and makes a missing one before (mode 0700, with its
/// parents), so that it does not appear later. False for a missing one that this user cannot make. The folder is seen
/// again if a process outside removes it: it is hidden from the command, and not from the user.
[[nodiscard]] Result<bool> hide_folder(const std::string& path);

}  // namespace wg4::container
