#pragma once

#include <string>

#include "shared/sys/unique_file.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {

/// Writes this process down in the registry of this user's tunnels (supervise/registry.h): to be called before anything
/// is heard from the network. Where that cannot be, a warning says what will not work, and nothing is returned.
[[nodiscard]] UniqueFile register_tunnel(const uapi::ControlSocket& control, const std::string& config_path,
                                         const std::string& where);

}  // namespace wg4
