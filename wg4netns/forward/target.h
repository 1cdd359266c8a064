#pragma once

#include <functional>
#include <optional>

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"

namespace wg4::forward {

/// Where what comes to a port goes, by the address that it was sent to; nothing: nowhere.
using Target = std::function<std::optional<Endpoint>(const IpAddress& asked)>;

}  // namespace wg4::forward
