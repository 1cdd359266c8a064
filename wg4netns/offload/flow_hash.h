#pragma once
// Which queue of the TUN a flow belongs to.

#include <cstdint>

#include "shared/base/bytes.h"

namespace wg4::offload {

/// The same for all packets of a TCP or UDP flow, in both directions. Of anything else only the addresses count, as of
/// IPv4 fragments, which have no ports. `packet` holds the headers.
[[nodiscard]] std::uint32_t flow_hash(ByteView packet);

}  // namespace wg4::offload
