#pragma once

#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "wg4netns/daemon/container_resolv_conf.h"

namespace wg4 {

/// Puts the servers and search domains of `config`, if it has servers, in the place of what is in the file; makes it if
/// it is missing. What is there may be a stranger's work (it is in an image): it is a regular file of the container's
/// or of ours, behind no link, or an error.
[[nodiscard]] Result<void> write_resolv_conf(const ContainerResolvConf& file, const WgConfig& config);

}  // namespace wg4
