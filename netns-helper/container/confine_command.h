#pragma once
// The rights that a command does without, given up by its process right before exec. What stays possible for it are
// user namespaces of its own, which sandboxes of browsers and bwrap(1) are made of.

#include <linux/capability.h>

#include <cstdint>

#include "shared/base/result.h"

namespace wg4::container {

struct Confinement {
  bool no_new_privs = true;        ///< set-user-id programs give no rights: sudo and su cannot work
  std::uint64_t capabilities = 0;  ///< bits 1 << CAP_...: the bounding set, and of root inside what is in effect
};

/// What depends on the kernel.
struct Confined {
  bool signals_scoped = false;  ///< the command can signal only its own descendants (Landlock of Linux 6.12)
};

/// For a command that is root inside, or can become root: Podman's default set, and the rights over the network, in
/// which there is no way out but the tunnel. It has neither CAP_SYS_ADMIN nor CAP_SYS_PTRACE, so mounts stay as they
/// are. As a bounding set it also lets programs start that ask for such rights by their file, as ping does.
inline constexpr std::uint64_t container_capabilities =
    std::uint64_t{1} << CAP_CHOWN | std::uint64_t{1} << CAP_DAC_OVERRIDE | std::uint64_t{1} << CAP_FOWNER |
    std::uint64_t{1} << CAP_FSETID | std::uint64_t{1} << CAP_KILL | std::uint64_t{1} << CAP_NET_ADMIN |
    std::uint64_t{1} << CAP_NET_BIND_SERVICE | std::uint64_t{1} << CAP_NET_RAW | std::uint64_t{1} << CAP_SETFCAP |
    std::uint64_t{1} << CAP_SETGID | std::uint64_t{1} << CAP_SETPCAP | std::uint64_t{1} << CAP_SETUID |
    std::uint64_t{1} << CAP_SYS_CHROOT;

/// Confines this process, which has one thread and all capabilities in its user namespace, for good:
///   - it has no capability but those asked for, and none of them by inheritance;
///   - it cannot signal a process outside, such as the one that waits for it. The terminal still can stop and end all;
///   - ioctl(2) with TIOCSTI or TIOCLINUX fails: the command shares the terminal with the shell that we were started
///     from, and could type commands there.
/// After an error the process is partly confined, and must not run the command.
[[nodiscard]] Result<Confined> confine_command(const Confinement& confinement);

}  // namespace wg4::container
