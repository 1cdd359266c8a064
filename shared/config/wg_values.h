#pragma once
// The values of a configuration file, one function for each kind: text in, value or error out. An error says what kind
// of value was expected; the caller puts the line and the name of the setting in front. The text has no white space
// around it; for settings of wg, white space inside was deleted, too.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"

namespace wg4::wg_values {

/// Base64 of 32 bytes, decoded directly to the key's memory. The error never quotes the text.
[[nodiscard]] Result<void> parse_key(std::string_view text, std::span<std::uint8_t, key_size> out);

/// 0 to 65535, or a service name.
[[nodiscard]] Result<std::uint16_t> parse_port(std::string_view text, ServicePort services);

/// "[v6]:port" or "host:port", divided by the last colon: an IPv6 address without brackets works, as in wg, unless its
/// port could be part of the address. Text that cannot be a host is refused here, not by a name server.
[[nodiscard]] Result<PeerEndpoint> parse_endpoint(std::string_view text, ServicePort services);

/// "off" of either case, decimal (a leading zero changes nothing) or "0x" hex.
[[nodiscard]] Result<std::uint32_t> parse_fwmark(std::string_view text);

/// "off" of either case, or seconds.
[[nodiscard]] Result<std::uint16_t> parse_keepalive(std::string_view text);

[[nodiscard]] Result<std::uint16_t> parse_mtu(std::string_view text);
[[nodiscard]] Result<std::uint32_t> parse_table_number(std::string_view text);

/// "true" or "false" of either case.
[[nodiscard]] Result<bool> parse_bool(std::string_view text);

/// An address with a prefix length, host bits kept. A bare address means /32 or /128.
[[nodiscard]] Result<Prefix> parse_prefix(std::string_view text);

/// As parse_prefix, for an address that an interface can have: the kernel refuses "::1", "::" and IPv6 multicast.
[[nodiscard]] Result<Prefix> parse_interface_address(std::string_view text);

/// wg-quick's rule: a text of digits and dots, or with a colon, is the address of a server, else a search domain.
[[nodiscard]] bool looks_like_address(std::string_view text);
[[nodiscard]] Result<IpAddress> parse_server(std::string_view text);
/// A domain that resolv.conf can have.
[[nodiscard]] Result<std::string> parse_search_domain(std::string_view text);

}  // namespace wg4::wg_values
