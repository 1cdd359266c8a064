#pragma once

#include <span>
#include <string>

#include "shared/net/ip_address.h"

namespace wg4 {

/// The lines of resolv.conf(5) for these DNS servers and search domains; each part is left out if it is empty.
[[nodiscard]] std::string resolv_conf_text(std::span<const IpAddress> servers, std::span<const std::string> search);

}  // namespace wg4
