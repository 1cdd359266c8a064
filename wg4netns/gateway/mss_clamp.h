#pragma once

#include <cstddef>
#include <cstdint>

#include "shared/base/bytes.h"
#include "wg4netns/gateway/ip_view.h"

namespace wg4::gateway {

/// Whatever opens a connection is no longer than this: headers with all their options.
inline constexpr std::size_t max_syn = 120;

/// Lowers the maximum segment size that a SYN announces to what fits a packet of `mtu` bytes, so that the other end
/// does not send segments that the tunnel would have to refuse. Any other packet stays as it is. `partial` as in
/// replace_address().
void clamp_mss(ByteSpan packet, const IpView& ip, std::size_t mtu, bool partial);

}  // namespace wg4::gateway
