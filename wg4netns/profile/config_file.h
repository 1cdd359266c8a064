#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/time.h"

namespace wg4 {

/// The path of the configuration: the file or the profile of the command line, else that of WIREGUARD4NETNS_CONFIG or
/// WIREGUARD4NETNS_PROFILE, else default.conf. Profiles are profiles/NAME.conf in
/// ${XDG_CONFIG_HOME:-~/.config}/wireguard4netns, the folder of default.conf; they are regular files, and links among
/// them stay in that folder.
[[nodiscard]] Result<std::string> locate_config(const std::optional<std::string>& file,
                                                const std::optional<std::string>& profile);

/// The source of a configuration's path.
enum class NamedBy : std::uint8_t {
  user,       ///< it may be a pipe, as a shell's <(command) is
  untrusted,  ///< another source, such as an annotation: it must be a regular file of this user
};

/// `path` as an absolute path, for processes with another working directory.
[[nodiscard]] Result<std::string> absolute_path(const std::string& path);

/// Reads, parses and judges a file (judgement.h). The text is wiped. Its warnings are returned ...
[[nodiscard]] Result<WgConfig> read_config(const std::string& path, NamedBy named_by = NamedBy::user);
/// ... and here they are logged.
[[nodiscard]] Result<WgConfig> load_config(const std::string& path, NamedBy named_by = NamedBy::user);

/// The file's modification time; nothing if that is not known.
[[nodiscard]] std::optional<WallTime> config_written(const std::string& path);

/// The part of a configuration that is for the device. Endpoints that are names are left out: see Endpoints.
[[nodiscard]] DeviceChange make_device_change(const WgConfig& config);

}  // namespace wg4
