#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/time.h"

namespace wg4 {

/// The configuration that applies: the file or the profile that the command line names, else that of
/// WIREGUARD4NETNS_CONFIG or WIREGUARD4NETNS_PROFILE, else default.conf. Profiles are profiles/NAME.conf in
/// ${XDG_CONFIG_HOME:-~/.config}/wireguard4netns, where default.conf is, too; they lead nowhere else, and are regular
/// files.
[[nodiscard]] Result<std::string> locate_config(const std::optional<std::string>& file,
                                                const std::optional<std::string>& profile);

/// Who has named a configuration.
enum class NamedBy : std::uint8_t {
  user,      ///< it may be a pipe, as a shell's <(command) is
  stranger,  ///< it must be a regular file of this user's
};

/// `path` from the root directory, for processes that are in another one.
[[nodiscard]] Result<std::string> absolute_path(const std::string& path);

/// Reads, parses and judges a file (judgement.h). The text is wiped. What deserves a word is in the warnings ...
[[nodiscard]] Result<WgConfig> read_config(const std::string& path, NamedBy named_by = NamedBy::user);
/// ... and is logged here.
[[nodiscard]] Result<WgConfig> load_config(const std::string& path, NamedBy named_by = NamedBy::user);

/// When the file was last written; nothing if that cannot be told.
[[nodiscard]] std::optional<WallTime> config_written(const std::string& path);

/// The half of a configuration that the device gets. Endpoints that are names are left out: see Endpoints.
[[nodiscard]] DeviceChange make_device_change(const WgConfig& config);

}  // namespace wg4
