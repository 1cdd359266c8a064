#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shared/base/result.h"
#include "shared/base/secret_text.h"
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

/// ${XDG_CONFIG_HOME:-~/.config}/wireguard4netns, whether there is such a folder or not.
[[nodiscard]] Result<std::string> config_folder();

/// The folder of the profiles, whether there is one or not.
[[nodiscard]] Result<std::string> profiles_folder();

/// The source of a configuration's path.
enum class NamedBy : std::uint8_t {
  user,       ///< it may be a pipe, as a shell's <(command) is
  untrusted,  ///< another source, such as an annotation: it must be a regular file of this user
};

/// `path` as an absolute path, for processes with another working directory.
[[nodiscard]] Result<std::string> absolute_path(const std::string& path);

/// An error unless there is a file that can be read. Nothing is read of it, and a pipe is not opened.
[[nodiscard]] Result<void> expect_config(const std::string& path);

/// A configuration as text.
struct ConfigText {
  std::string path;  ///< for messages
  SecretText text;
  bool open_to_all = false;  ///< other users of this host could read it, too
};

[[nodiscard]] Result<ConfigText> read_config_text(const std::string& path, NamedBy named_by = NamedBy::user);
/// Up to its end; a person who types it has a week.
[[nodiscard]] Result<ConfigText> read_standard_input();
/// Parses and judges it (judgement.h). Warnings are returned.
[[nodiscard]] Result<WgConfig> judge_text(const ConfigText& text);

/// Reads, parses and judges a file. The text is wiped. Its warnings are returned ...
[[nodiscard]] Result<WgConfig> read_config(const std::string& path, NamedBy named_by = NamedBy::user);
/// ... and here they are logged.
[[nodiscard]] Result<WgConfig> load_config(const std::string& path, NamedBy named_by = NamedBy::user);

/// The file's modification time; nothing if that is not known.
[[nodiscard]] std::optional<WallTime> config_written(const std::string& path);

/// The part of a configuration that is for the device. Endpoints that are names are left out: see Endpoints.
[[nodiscard]] DeviceChange make_device_change(const WgConfig& config);

}  // namespace wg4
