#pragma once

#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "wg4netns/app/oci_state.h"

namespace wg4 {

/// The servers and search domains of `config`, as resolv.conf(5) has them.
[[nodiscard]] std::string resolv_conf_text(const WgConfig& config);

/// Replaces what is in the file; makes it if it is missing. The path may be a stranger's work (it is in an image).
[[nodiscard]] Result<void> write_resolv_conf(const oci::ResolvConf& file, const std::string& text);

}  // namespace wg4
