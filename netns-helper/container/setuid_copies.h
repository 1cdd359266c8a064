#pragma once
// sudo(8) in a user namespace with subordinate ids. Root of the host is nobody inside, so its set-user-id programs give
// no rights there, and sudo refuses configuration files and plugins of nobody. Copies that belong to root inside work:
// they give the rights of that root, over what the namespace has, and none on the host. The command must be without
// no_new_privs and have the capabilities of a container (confine_command.h).

#include <sys/types.h>

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace wg4::container {

/// A file that /etc inside must have, owned by root inside, in place of the host's.
struct EtcFile {
  std::string_view name;  ///< in /etc
  std::string_view text;
  mode_t mode = 0644;
};

inline constexpr std::array etc_files_for_sudo{
    EtcFile{.name = "sudo.conf", .text = ""},
    EtcFile{.name = "sudoers", .text = "ALL ALL=(ALL:ALL) NOPASSWD: ALL\n", .mode = 0440},
};

/// The text of /etc/shadow inside, mode 0600, for the users in `passwd`, the text of /etc/passwd: nobody has a
/// password, and no account ends. PAM wants to read the file before sudo may do anything, and the host's is closed to
/// root inside.
[[nodiscard]] std::string shadow_for_sudo(std::string_view passwd);

/// Mounts copies over `programs`, set-user-id and owned by root inside, and over the folders of sudo's plugins. What is
/// missing, or not readable to this user, is left out. To be called in a mount namespace of this process's own, with
/// CAP_SYS_ADMIN, CAP_CHOWN and CAP_FOWNER in its user namespace, in which 0 is mapped.
[[nodiscard]] Result<void> mount_setuid_copies(std::span<const std::string> programs);

}  // namespace wg4::container
