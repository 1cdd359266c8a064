#pragma once
// Tunnels of this user that run. Under an engine nobody reads their logs, so doctor asks them.

#include <vector>

#include "shared/base/keys.h"
#include "wg4netns/commands/show_text.h"
#include "wg4netns/doctor/report.h"

namespace wg4::doctor {

[[nodiscard]] std::vector<show::Tunnel> find_running_tunnels();

/// For each: its warnings at its start, what it has found out about its peers, and where it logs that.
[[nodiscard]] Report check_tunnels(const std::vector<show::Tunnel>& tunnels);

/// Does one of them have this key?
[[nodiscard]] bool has_tunnel(const std::vector<show::Tunnel>& tunnels, const PrivateKey& key);

}  // namespace wg4::doctor
