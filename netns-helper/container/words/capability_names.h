#pragma once
// Names of capabilities(7).

#include <cstdint>
#include <string_view>

#include "shared/base/result.h"

namespace wg4::container {

/// "CAP_NET_ADMIN", "net_admin", or "ALL", as bits 1 << CAP_...
[[nodiscard]] Result<std::uint64_t> parse_capability(std::string_view name);

}  // namespace wg4::container
