#pragma once
// Packets that the gateway itself sends to the namespace, in reply to one that it does not forward: whole and with
// checksums. `out` has room for max_reply bytes; the result is how many are used.

#include <cstddef>
#include <cstdint>

#include "shared/base/bytes.h"
#include "shared/net/mtu.h"
#include "wg4netns/gateway/ip_view.h"

namespace wg4::gateway {

inline constexpr std::size_t max_reply = min_ipv6_mtu;  // a reply always fits

/// May an ICMP error be sent in reply to `packet`? Not to an ICMP error, nor where no single host is the sender or the
/// receiver (RFC 1122 3.2.2, RFC 4443 2.4).
[[nodiscard]] bool may_be_refused(ByteView packet, const IpView& ip);

/// "Fragmentation needed" (RFC 1191) or "packet too big" (RFC 8201), with `mtu` in bytes.
[[nodiscard]] std::size_t write_too_big(ByteSpan out, ByteView packet, const IpView& ip, std::uint16_t mtu);
[[nodiscard]] std::size_t write_port_unreachable(ByteSpan out, ByteView packet, const IpView& ip);
/// For a TCP packet with has_ports().
[[nodiscard]] std::size_t write_reset(ByteSpan out, ByteView packet, const IpView& ip);
/// The response REFUSED to the query in a UDP packet with has_ports(); 0 if there is no query in it.
[[nodiscard]] std::size_t write_dns_refusal(ByteSpan out, ByteView packet, const IpView& ip);

}  // namespace wg4::gateway
