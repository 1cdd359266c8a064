#pragma once

#include <cstddef>
#include <cstdint>

#include "shared/base/bytes.h"
#include "wg4netns/gateway/ip_view.h"

namespace wg4::gateway {

/// No packet that opens a connection is longer, in bytes: headers with all their options.
inline constexpr std::size_t max_syn = 120;

/// Lowers the maximum segment size that a SYN announces to what fits a packet of `mtu` bytes, so that the other end
/// does not send segments that are too big for the tunnel. Leaves other packets unchanged. `partial` as in
/// replace_address().
void clamp_mss(ByteSpan packet, const IpView& ip, std::size_t mtu, bool partial);

}  // namespace wg4::gateway
