#pragma once
// What is to be said of a configuration that could be parsed: what cannot work, and what this host does not permit.
// load_config() asks, and so the start, check, reload, the doctor, hooks and plugins all come to hear the same.

#include "shared/base/result.h"
#include "shared/config/wg_config.h"

namespace wg4 {

/// What an ordinary user may be refused of that which a configuration asks for.
struct Permissions {
  bool mark = true;         ///< to mark packets: FwMark
  bool listen_port = true;  ///< ports below net.ipv4.ip_unprivileged_port_start
};

/// Tries. Nothing stays of it.
[[nodiscard]] Permissions ask_kernel(const WgConfig& config);

/// Adds to `config.warnings` what would pass in silence and not work, and takes out of `config` what one can do
/// without. Fails for what the start would be refused later, and in other words. Errors and warnings name the line.
[[nodiscard]] Result<void> judge(WgConfig& config, const Permissions& may);

}  // namespace wg4
