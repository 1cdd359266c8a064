#pragma once
// Programs of the host, as files: where they are, and whether they give rights to the user who starts them.

#include <sys/types.h>

#include <span>
#include <string>

#include "shared/base/result.h"

namespace wg4 {

/// In the folders of $PATH; empty if there is none.
[[nodiscard]] std::string find_program(const std::string& name);
/// In `folders`, and then in those of $PATH.
[[nodiscard]] std::string find_program(const std::string& name, std::span<const std::string> folders);

/// One of the project's own: beside this program, else in ../libexec/wireguard4netns from there, else in the libexec
/// folder that this was built for. The error's hint is for a user who can set nothing.
[[nodiscard]] Result<std::string> find_own_program(const std::string& name);

/// A program that is to give another user's rights, or capabilities, to the user who starts it.
struct PrivilegedProgram {
  std::string path{};             ///< empty = not found
  mode_t mode = 0;                ///< permission bits
  uid_t owner = 0;                ///< as this process sees it
  bool has_capabilities = false;  ///< of its file, capabilities(7)
  bool on_nosuid = false;         ///< on a mount with the option nosuid, where neither has an effect

  /// Set-user-id root, or with capabilities of its file.
  [[nodiscard]] bool is_privileged() const;
};

/// In the folders of $PATH.
[[nodiscard]] PrivilegedProgram find_privileged_program(const std::string& name);

}  // namespace wg4
