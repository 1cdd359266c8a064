#pragma once
// A tunnel that runs takes over what has changed in its configuration, as with wg(8)'s syncconf: sessions of peers that
// stay as they were go on. The program that serves it cannot read files any more. So this one does, and looks up names
// as a start does; what it found to differ goes over the control socket.

#include <optional>
#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/core/control.h"

namespace wg4 {

namespace uapi {
class StatusReader;
}

/// wireguard4netns reload [NAME]
struct ReloadCommand {
  std::optional<std::string> tunnel;  ///< nothing: the only one that runs
  std::optional<std::string> config;  ///< nothing: that which it was started with
  std::optional<std::string> profile;
};

[[nodiscard]] Parsed<ReloadCommand> parse_reload(const Arguments& arguments);
[[nodiscard]] Result<void> reload(const ReloadCommand& command);

/// What makes `running` like `wanted`, which is the whole of a configuration. A port that is not named there stays.
[[nodiscard]] DeviceChange difference(DeviceChange wanted, const uapi::StatusReader& running);

}  // namespace wg4
