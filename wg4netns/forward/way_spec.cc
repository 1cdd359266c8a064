#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/loopback.h"
#include "shared/net/prefix.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/port_range.h"
#include "wg4netns/forward/ways.h"

// Reads the values of --host-port and --lan.

namespace wg4::forward {
namespace {

constexpr std::uint8_t min_length_v4 = 8;  // 10.0.0.0/8 is the largest private network,
constexpr std::uint8_t min_length_v6 = 7;  // and fc00::/7

std::unexpected<Error> refuse_host_port(std::string_view text, const std::string& why) {
  return fail("--host-port " + std::string(text) + ": " + why, 0,
              "The form is [tcp:|udp:]INSIDE:[ADDRESS:]PORT, the port inside first, then the host's; an ADDRESS is a "
              "loopback address of the host");
}

std::unexpected<Error> refuse_lan(std::string_view text, const std::string& why) {
  return fail("--lan " + std::string(text) + ": " + why, 0,
              "The form is CIDR:PORT[,PORT...], a PORT may be a range, an IPv6 CIDR is in brackets: "
              "192.168.1.0/24:80,8000-8010");
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto range = parse_range(text);
  return range && range->size() == 1 ? std::optional(range->first) : std::nullopt;
}

Protocol take_protocol(std::string_view& text) {
  for (const Protocol protocol : {Protocol::tcp, Protocol::udp}) {
    const std::string prefix = std::string(name_of(protocol)) + ":";
    if (!text.starts_with(prefix)) continue;
    text.remove_prefix(prefix.size());
    return protocol;
  }
  return Protocol::tcp;
}

/// Both parts, without the brackets of the first; nothing without the colon.
std::optional<std::pair<std::string_view, std::string_view>> split_lan(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find("]:");
    if (end == std::string_view::npos) return std::nullopt;
    return std::pair(text.substr(1, end - 1), text.substr(end + 2));
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) return std::nullopt;
  return std::pair(text.substr(0, colon), text.substr(colon + 1));
}

/// Why it cannot be a part of a local network; empty if it can.
std::string fault_of(const Prefix& network) {
  const std::string text = network.to_string();
  const auto prefix = [](const char* each) { return *Prefix::parse(each); };
  if (network.length == 0) return text + " is the whole Internet";
  if (network.length < (network.address.is_v4() ? min_length_v4 : min_length_v6))
    return text + " is more than a local network";
  const Prefix own = network.address.is_v4() ? prefix("127.0.0.0/8") : prefix("::1/128");
  if (network.covers(own) || own.covers(network))
    return text + " has loopback addresses, which are the namespace's own: see --host-port";
  if (!network.address.is_v4() && prefix("fe80::/10").covers(network))
    return text + " is link-local: an address of it needs the name of an interface, which there is only outside";
  for (const char* each : {"0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "::/128", "ff00::/8"})
    if (prefix(each).address.family() == network.address.family() && prefix(each).covers(network))
      return "no connection leads to " + text;
  return {};
}

/// `list` is the part of `text` behind the network; errors name all of `text`, since --lan may be given several times.
Result<std::vector<PortRange>> parse_ports(std::string_view text, std::string_view list) {
  std::vector<PortRange> ports;
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view word = list.substr(0, comma);
    const auto range = parse_range(word);
    if (!range) return refuse_lan(text, "'" + std::string(word) + "' is not a port, nor a range of ports");
    ports.push_back(*range);
    if (comma == std::string_view::npos) return ports;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  std::string_view rest = text;
  HostPort way{.protocol = take_protocol(rest), .inside = 0, .host = {}};
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return refuse_host_port(text, "a port inside and one of the host are needed");
  const auto inside = parse_port(rest.substr(0, colon));
  if (!inside) return refuse_host_port(text, "'" + std::string(rest.substr(0, colon)) + "' is not a port");
  way.inside = *inside;
  const std::string_view host = rest.substr(colon + 1);
  if (const auto port = parse_port(host)) {
    way.host = {loopback(Family::v4), *port};
    return way;
  }
  const auto endpoint = Endpoint::parse(host);
  if (!endpoint || endpoint->port == 0)
    return refuse_host_port(text, "'" + std::string(host) + "' is not a port, nor ADDRESS:PORT");
  if (!is_loopback(endpoint->address))
    return refuse_host_port(text, endpoint->address.to_string() + " is not a loopback address: see --lan for others");
  way.host = *endpoint;
  return way;
}

Result<LanPorts> parse_lan(std::string_view text) {
  const auto parts = split_lan(text);
  const auto network = Prefix::parse(parts ? parts->first : text);
  if (!parts && (network || text.starts_with('[')))
    return refuse_lan(text, "the ports are missing: something has to listen for each of them inside");
  if (!network || network->address.is_v4() == text.starts_with('['))
    return refuse_lan(text,
                      "'" + std::string(parts ? parts->first : text) + "' is not a network such as 192.168.1.0/24");
  const Prefix masked = network->masked();
  if (const std::string fault = fault_of(masked); !fault.empty()) return refuse_lan(text, fault);
  return LanPorts{masked, TRY(parse_ports(text, parts->second))};
}

Result<Ways> parse_ways(std::span<const std::string> host_ports, std::span<const std::string> lan) {
  Ways ways;
  std::set<std::pair<Protocol, std::uint16_t>> taken;
  for (const std::string& text : host_ports) {
    ways.host_ports.push_back(TRY(parse_host_port(text)));
    const HostPort& way = ways.host_ports.back();
    if (!taken.emplace(way.protocol, way.inside).second)
      return refuse_host_port(text, "port " + std::to_string(way.inside) + " inside leads somewhere already");
  }
  std::size_t ports = 0;
  for (const std::string& text : lan) {
    ways.lan.push_back(TRY(parse_lan(text)));
    for (const PortRange& range : ways.lan.back().ports) ports += static_cast<std::size_t>(range.size());
    if (ports > Ways::max_listeners) break;
  }
  if (ports > Ways::max_listeners || ways.listeners().size() > Ways::max_listeners)
    return fail(
        "--lan and --host-port ask for too many ports", 0,
        "Each takes two sockets, and " + std::to_string(Ways::max_listeners) + " are the most: name fewer ports");
  return ways;
}

}  // namespace wg4::forward
