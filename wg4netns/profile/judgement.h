#pragma once
// Checks of a configuration that could be parsed: what cannot work, and what this host does not permit. judge_text()
// makes them (config_file.h), so the start, check, reload, the doctor, hooks and plugins all report the same.

#include "shared/base/result.h"
#include "shared/config/wg_config.h"

namespace wg4 {

/// Settings that the kernel may refuse to an ordinary user.
struct Permissions {
  bool mark = true;         ///< to mark packets: FwMark
  bool listen_port = true;  ///< ports below net.ipv4.ip_unprivileged_port_start
};

/// Tries them out, without a lasting effect.
[[nodiscard]] Permissions ask_kernel(const WgConfig& config);

/// Adds warnings to `config` about settings that would silently have no effect, and removes from it what the tunnel can
/// do without. Fails for settings with which the start would fail later, with a less clear error. Errors and warnings
/// name the line.
[[nodiscard]] Result<void> judge(WgConfig& config, const Permissions& may);

}  // namespace wg4
