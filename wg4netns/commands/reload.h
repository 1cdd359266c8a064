#pragma once
// Has a running tunnel take over the changes of its configuration, as wg(8) does by syncconf: unchanged peers keep
// their sessions. The process that serves the tunnel cannot read files any more. So this one reads the file, looks up
// names as a start does, and sends the differences over the control socket.

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
  std::optional<std::string> config;  ///< nothing: the one that it was started with
  std::optional<std::string> profile;
};

[[nodiscard]] Parsed<ReloadCommand> parse_reload(const Arguments& arguments);
[[nodiscard]] Result<void> reload(const ReloadCommand& command);

/// The change that makes `running` like `wanted`, a whole configuration. A port that `wanted` does not name stays.
[[nodiscard]] DeviceChange difference(DeviceChange wanted, const uapi::StatusReader& running);

}  // namespace wg4
