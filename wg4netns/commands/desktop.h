#pragma once
// wireguard4netns desktop add|remove|list: applications in the desktop's menus that start in a tunnel.

#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// desktop add APP PROFILE|FILE
struct DesktopAddCommand {
  std::string application;
  std::string source;
};
[[nodiscard]] Parsed<DesktopAddCommand> parse_desktop_add(const Arguments& arguments);
[[nodiscard]] Result<void> run_desktop_add(const DesktopAddCommand& command);

/// desktop remove APP [PROFILE]
struct DesktopRemoveCommand {
  std::string application;
  std::string profile;  ///< empty = all
};
[[nodiscard]] Parsed<DesktopRemoveCommand> parse_desktop_remove(const Arguments& arguments);
[[nodiscard]] Result<void> run_desktop_remove(const DesktopRemoveCommand& command);

/// desktop list
struct DesktopListCommand {
  bool json = false;
};
[[nodiscard]] Parsed<DesktopListCommand> parse_desktop_list(const Arguments& arguments);
[[nodiscard]] Result<void> run_desktop_list(const DesktopListCommand& command);

/// A row's `prepare`: one of these.
[[nodiscard]] Result<Task> prepare_desktop(const Arguments& arguments);

}  // namespace wg4
