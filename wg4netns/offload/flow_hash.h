#pragma once
// Which queue of the TUN a flow belongs to.

#include <cstdint>

#include "shared/base/bytes.h"

namespace wg4::offload {

/// Equal for all packets of a TCP or UDP flow, in both directions. For other packets, and for IPv4 fragments, which may
/// have no ports, only the addresses count. `packet` holds the headers.
[[nodiscard]] std::uint32_t flow_hash(ByteView packet);

}  // namespace wg4::offload
