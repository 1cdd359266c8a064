#pragma once

#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "wg4netns/daemon/container_resolv_conf.h"

namespace wg4 {

/// Replaces the content of the file by the servers and search domains of `config`, if that has servers; makes the file
/// if it is missing. A file that is there may come from an untrusted image: unless it is a regular file of the
/// container's or ours, behind no link, this fails.
[[nodiscard]] Result<void> write_resolv_conf(const ContainerResolvConf& file, const WgConfig& config);

}  // namespace wg4
