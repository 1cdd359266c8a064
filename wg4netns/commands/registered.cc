#include "wg4netns/commands/registered.h"

#include <algorithm>

namespace wg4 {

std::optional<std::string> registered_config(pid_t owner, const std::vector<registry::Running>& running) {
  const auto found = std::ranges::find(running, owner, &registry::Running::pid);
  return found == running.end() ? std::nullopt : std::optional(found->entry.config);
}

OwnStatus ask_registered_status(const RunningTunnel& tunnel, const std::vector<registry::Running>& running) {
  OwnStatus own = ask_own_status(tunnel);
  const auto owner = owner_of(tunnel);
  const auto config = owner ? registered_config(*owner, running) : std::nullopt;
  for (auto& [key, value] : own)
    if (key == "config" && config) value = *config;
  return own;
}

}  // namespace wg4
