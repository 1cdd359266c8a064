#pragma once
// Tunnels of this user that run. Under an engine nobody reads what they say, so they are asked.

#include <vector>

#include "shared/base/keys.h"
#include "wg4netns/commands/show_text.h"
#include "wg4netns/doctor/report.h"

namespace wg4::doctor {

[[nodiscard]] std::vector<show::Tunnel> find_running_tunnels();

/// What each one warned of at its start, has found out about its peers, and where it says so.
[[nodiscard]] Report check_tunnels(const std::vector<show::Tunnel>& tunnels);

/// Is one of them that of this key?
[[nodiscard]] bool has_tunnel(const std::vector<show::Tunnel>& tunnels, const PrivateKey& key);

}  // namespace wg4::doctor
