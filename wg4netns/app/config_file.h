#pragma once

#include <optional>
#include <string>

#include "shared/config/wg_config.h"
#include "wg4netns/core/control.h"

namespace wg4 {

/// The configuration that applies: what the command line names, else WIREGUARD4NETNS_CONFIG, else
/// ${XDG_CONFIG_HOME:-~/.config}/wireguard4netns/default.conf.
[[nodiscard]] Result<std::string> locate_config(const std::optional<std::string>& given);

/// Reads and parses a file; logs what deserves a word. The text is wiped.
[[nodiscard]] Result<WgConfig> load_config(const std::string& path);

/// The half of a configuration that the device gets. Endpoints that are names are left out: see Endpoints.
[[nodiscard]] DeviceChange make_device_change(const WgConfig& config);

}  // namespace wg4
