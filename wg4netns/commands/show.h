#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// wireguard4netns show [NAME|all|interfaces] [FIELD]
struct ShowCommand {
  std::string tunnel = "all";
  std::string field;  ///< empty = all, for people
  bool json = false;
  std::optional<std::chrono::milliseconds> watch;  ///< again and again, with this pause
};

[[nodiscard]] Parsed<ShowCommand> parse_show(const Arguments& arguments);
[[nodiscard]] Result<void> run_show(const ShowCommand& command);

}  // namespace wg4
