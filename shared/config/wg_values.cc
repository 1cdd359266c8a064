#include "shared/config/wg_values.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <system_error>

#include "shared/base/ascii.h"
#include "shared/base/hex_base64.h"
#include "shared/config/conf_text.h"
#include "shared/net/endpoint.h"
#include "shared/net/loopback.h"
#include "shared/net/mtu.h"

namespace wg4::wg_values {
namespace {

using conf_text::equal_ignoring_case;

/// The text in quotes for a message, or "its value" if the message must not quote it.
std::string name_of(std::string_view text) { return conf_text::shown(text, "its value"); }

/// Parses digits of `base`, without a sign, that fit into T.
template <class T>
std::optional<T> parse_number(std::string_view text, int base = 10) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr bool is_in_names(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; }

/// Does the name end in a number, as only addresses do? There are no such names in DNS (RFC 3696).
bool is_numeric(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return !last.empty() && std::ranges::all_of(last, is_digit);
}

/// Can this be a name in DNS or /etc/hosts?
bool is_host_name(std::string_view text) {
  constexpr std::size_t max_name = 253;
  constexpr std::size_t max_label = 63;
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > max_name || text.front() == '-' || is_numeric(text)) return false;
  const auto is_label = [](std::string_view label) {
    return !label.empty() && label.size() <= max_label && std::ranges::all_of(label, is_in_names);
  };
  for (std::optional rest = text; rest;)
    if (!is_label(conf_text::cut(rest, '.'))) return false;
  return true;
}

/// An address without its zone ("fe80::1%eth0").
std::optional<IpAddress> parse_zoned(std::string_view text) {
  const std::size_t zone = text.find('%');
  const bool has_zone = zone != std::string_view::npos;
  if (has_zone && (zone + 1 == text.size() || !std::ranges::all_of(text.substr(zone + 1), is_in_names)))
    return std::nullopt;
  return IpAddress::parse(text.substr(0, zone));
}

/// Multicast or broadcast.
bool is_group_address(const IpAddress& address) {
  const std::uint8_t first = address.bytes().front();
  if (!address.is_v4()) return first == 0xff;
  return (first & 0xf0U) == 0xe0U || std::ranges::all_of(address.bytes(), [](std::uint8_t b) { return b == 0xff; });
}

constexpr auto endpoint_hint = "Write host:port or [IPv6 address]:port, as in vpn.example.com:51820";

/// Refuses forms of other formats, such as URLs, that can be neither a host name nor an address.
Result<void> refuse_other_formats(std::string_view text) {
  if (text.contains("://")) return fail(name_of(text) + " is a URL", 0, endpoint_hint);
  if (text.find_first_of(",;") != std::string_view::npos)
    return fail(name_of(text) + " has more than one host", 0, "A peer has one Endpoint: keep one of them");
  if (text.find_first_of("\"'") != std::string_view::npos)
    return fail(name_of(text) + " has quotation marks", 0, "Write it without them");
  if (text.contains('/'))
    return fail(name_of(text) + " has a '/', as no host does", 0,
                "Write it without a path or prefix length, as in vpn.example.com:51820");
  return {};
}

/// Checks a host without its brackets; `whole` is the text for messages.
Result<void> check_host(std::string_view host, std::string_view whole) {
  const bool has_bracket = host.find_first_of("[]") != std::string_view::npos;
  if (host.contains(':') && !has_bracket && !parse_zoned(host))
    return fail(name_of(whole) + " has more than one colon, but no IPv6 address", 0, endpoint_hint);
  if (is_numeric(host) && !host.contains(':') && !IpAddress::parse(host))
    return fail(name_of(whole) + " has no IPv4 address in front of the port", 0,
                "Such an address is four numbers from 0 to 255");
  const auto address = parse_zoned(host);
  if (address && (address->is_unspecified() || is_group_address(*address)))
    return fail(name_of(whole) + " is not the address of a host", 0, "Give the address that the peer is reached at");
  if (address || is_host_name(host)) return {};
  return fail(name_of(whole) + " has no host name or address that can be looked up", 0, endpoint_hint);
}

/// A hint for a wrong value of DNS: what the user may have meant.
std::string dns_hint(std::string_view text) {
  const auto prefix = Prefix::parse(text);
  const auto with_port = IpAddress::parse(text.substr(0, text.rfind(':')));
  if (text.contains("://")) return "Only plain DNS servers can be given, by their addresses";
  if (text.find_first_of(";|") != std::string_view::npos) return "Divide servers and domains by commas or spaces";
  if (text.starts_with('[')) return "Write an IPv6 address without brackets, and without a port";
  if (text.contains('%')) return "A server is asked through the tunnel, where an address with a zone leads nowhere";
  if (prefix) return "Write it without the prefix length: " + prefix->address.to_string();
  if (with_port) return "Write it without the port, which is always 53: " + with_port->to_string();
  return "Give IP addresses of servers, as 10.0.0.1 or fd00::1, and search domains, as example.com";
}

}  // namespace

Result<void> parse_key(std::string_view text, std::span<std::uint8_t, key_size> out) {
  if (decode_base64(text, out)) return {};
  return fail("its value is not a key", 0,
              "A key is 44 characters of base64 that end in '=', as wg genkey, wg pubkey and wg genpsk print them");
}

Result<std::uint16_t> parse_port(std::string_view text, ServicePort services) {
  constexpr std::size_t max_name = 24;  // RFC 6335 allows 15; a key in the wrong place must not reach a name service
  const bool number = std::ranges::all_of(text, is_digit);
  std::optional<std::uint16_t> port;
  if (number) {
    port = parse_number<std::uint16_t>(text);
  } else if (text.size() <= max_name) {
    port = services(text);
  }
  if (port) return *port;
  return fail(
      name_of(text) + (number ? " is not a port" : " is not a port: this host knows no UDP service of that name"), 0,
      "Give a port number from 0 to 65535");
}

Result<PeerEndpoint> parse_endpoint(std::string_view text, ServicePort services) {
  TRY(refuse_other_formats(text));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size() || text.ends_with("]"))
    return fail(name_of(text) + " has no port", 0, endpoint_hint);
  if (IpAddress::parse(text))
    return fail(name_of(text) + " is an IPv6 address, with or without a port", 0,
                "Put the address in brackets, and the port behind: [IPv6 address]:port");

  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[');
  if (bracketed && host.find(']') != host.size() - 1)
    return fail(name_of(text) + " has a '[' without its ']' before the port", 0, endpoint_hint);
  if (bracketed) host = host.substr(1, host.size() - 2);
  TRY(check_host(host, text));

  const std::uint16_t port = TRY(parse_port(text.substr(colon + 1), services));
  if (port == 0) return fail(name_of(text) + " has port 0, which cannot be sent to", 0, endpoint_hint);
  if (const auto address = IpAddress::parse(host)) return Endpoint{*address, port, 0};
  return HostPort{std::string(host), port};
}

Result<std::uint32_t> parse_fwmark(std::string_view text) {
  if (equal_ignoring_case(text, "off")) return 0;
  const bool hex = text.starts_with("0x");
  if (const auto mark = parse_number<std::uint32_t>(hex ? text.substr(2) : text, hex ? 16 : 10)) return *mark;
  return fail(name_of(text) + " is not a firewall mark", 0,
              "Give off, a decimal number or 0x and hex, up to 0xffffffff");
}

Result<std::uint16_t> parse_keepalive(std::string_view text) {
  if (equal_ignoring_case(text, "off")) return 0;
  if (const auto seconds = parse_number<std::uint16_t>(text)) return *seconds;
  return fail(name_of(text) + " is not a number of seconds", 0, "Give off or 0 to 65535; 25 suits most NATs");
}

Result<std::uint16_t> parse_mtu(std::string_view text) {
  const auto mtu = parse_number<std::uint16_t>(text);
  if (mtu && *mtu >= min_ipv4_mtu) return *mtu;
  return fail(name_of(text) + " is not an MTU", 0, "Give 68 to 65535 bytes; 1420 suits most networks");
}

Result<std::uint32_t> parse_table_number(std::string_view text) {
  if (const auto number = parse_number<std::uint32_t>(text)) return *number;
  return fail(name_of(text) + " is not a routing table", 0,
              "Give auto, off (both in small letters) or a table's number");
}

Result<bool> parse_bool(std::string_view text) {
  if (equal_ignoring_case(text, "true")) return true;
  if (equal_ignoring_case(text, "false")) return false;
  return fail(name_of(text) + " is neither true nor false", 0, "Give true or false");
}

Result<Prefix> parse_prefix(std::string_view text) {
  if (const auto prefix = Prefix::parse(text)) return *prefix;
  if (text.empty())
    return fail("the list has an empty entry", 0, "Remove the comma that has nothing before or after it");
  return fail(name_of(text) + " is not an IP address with a prefix length", 0,
              "Write it as in 10.0.0.0/8 or fd00::/64");
}

Result<Prefix> parse_interface_address(std::string_view text) {
  const Prefix prefix = TRY(parse_prefix(text));
  const IpAddress& address = prefix.address;
  const bool multicast = !address.is_v4() && address.bytes().front() == 0xff;
  if (!address.is_unspecified() && address != loopback(Family::v6) && !multicast) return prefix;
  return fail(name_of(text) + " is not an address that an interface can have", 0,
              "Give the address that the other peers have in their AllowedIPs for this one");
}

bool looks_like_address(std::string_view text) {
  return text.contains(':') || std::ranges::all_of(text, [](char c) { return is_digit(c) || c == '.'; });
}

Result<IpAddress> parse_server(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) return *address;
  return fail(name_of(text) + " is not the IP address of a DNS server", 0, dns_hint(text));
}

Result<std::string> parse_search_domain(std::string_view text) {
  if (is_host_name(text)) return std::string(text);
  return fail(name_of(text) + " is not a search domain", 0, dns_hint(text));
}

}  // namespace wg4::wg_values
