#pragma once

#include <string>

#include "shared/sys/unique_file.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {

/// Writes an entry for this process into the registry of this user's tunnels (supervise/registry.h): to be called
/// before anything is received from the network. If that fails, a warning says what will not work; the file then owns
/// nothing.
[[nodiscard]] UniqueFile register_tunnel(const uapi::ControlSocket& control, const std::string& config_path,
                                         const std::string& where);

}  // namespace wg4
