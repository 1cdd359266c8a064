#include "wg4netns/forward/pasta_ports.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "shared/net/ip_address.h"
#include "shared/net/protocol.h"

namespace wg4::forward {
namespace {

/// Ports of the host, and the ports in the namespace that they are forwarded to.
struct Mapping {
  PortRange host;
  PortRange guest;
};

std::unexpected<Error> refuse(Protocol protocol, std::string_view text, const std::string& why) {
  const std::string option = protocol == Protocol::tcp ? "-t " : "-u ";
  return fail(option + std::string(text) + ": " + why, 0,
              "The form is none, auto or [ADDRESS/]PORT[-PORT][:PORT[-PORT]][,...], the host's side first");
}

/// The host's addresses for the ADDRESS; nothing for invalid text.
std::optional<std::vector<IpAddress>> parse_addresses(std::optional<std::string_view> text, bool v6) {
  if (!text) {
    std::vector<IpAddress> all{IpAddress{}};
    if (v6) all.push_back(IpAddress::v6(std::array<std::uint8_t, 16>{}));
    return all;
  }
  const bool bracketed = text->size() >= 2 && text->front() == '[' && text->back() == ']';
  const auto address = IpAddress::parse(bracketed ? text->substr(1, text->size() - 2) : *text);
  if (!address) return std::nullopt;
  return std::vector{*address};
}

std::optional<Mapping> parse_mapping(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto host = parse_range(text.substr(0, colon));
  const auto guest = colon == std::string_view::npos ? host : parse_range(text.substr(colon + 1));
  if (!host || !guest || host->size() != guest->size()) return std::nullopt;
  return Mapping{*host, *guest};
}

bool is_excluded(const PastaPorts& ports, std::uint16_t port) {
  return std::ranges::any_of(ports.excluded, [port](const PortRange& range) { return range.contains(port); });
}

void add_rules(PastaPorts& ports, Protocol protocol, const IpAddress& address, const Mapping& mapping) {
  for (int i = 0; i < mapping.host.size(); ++i)
    ports.rules.push_back({protocol,
                           {address, static_cast<std::uint16_t>(mapping.host.first + i)},
                           {IpAddress{}, static_cast<std::uint16_t>(mapping.guest.first + i)}});
}

Result<void> add_entries(PastaPorts& ports, Protocol protocol, std::string_view text, bool v6) {
  const std::size_t slash = text.find('/');
  const bool has_address = slash != std::string_view::npos;
  const auto addresses = parse_addresses(has_address ? std::optional(text.substr(0, slash)) : std::nullopt, v6);
  if (!addresses) return refuse(protocol, text, "'" + std::string(text.substr(0, slash)) + "' is not an address");
  std::string_view rest = has_address ? text.substr(slash + 1) : text;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    const std::string_view entry = rest.substr(0, comma);
    more = comma != std::string_view::npos;
    rest.remove_prefix(more ? comma + 1 : rest.size());
    if (entry.starts_with('~')) {
      const auto range = parse_range(entry.substr(1));
      if (!range) return refuse(protocol, text, "'" + std::string(entry) + "' excludes no port, nor a range of ports");
      ports.excluded.push_back(*range);
      continue;
    }
    const auto mapping = parse_mapping(entry);
    if (!mapping)
      return refuse(protocol, text,
                    "'" + std::string(entry) + "' is not a port, nor two ranges of ports of one length");
    for (const IpAddress& address : *addresses) add_rules(ports, protocol, address, *mapping);
  }
  return {};
}

}  // namespace

Result<PastaPorts> parse_pasta_ports(const std::vector<std::string>& texts, Protocol protocol, bool v6) {
  PastaPorts ports;
  bool none = false;
  for (const std::string& text : texts) {
    if (text == "none")
      none = true;
    else if (text == "auto")
      ports.automatic = true;
    else
      TRY(add_entries(ports, protocol, text, v6));
  }
  const bool any = ports.automatic || !ports.rules.empty();
  if (none && any) return refuse(protocol, "none", "other ports are asked for as well");
  if (!any && !ports.excluded.empty()) return refuse(protocol, texts.front(), "nothing is left to exclude from");
  std::erase_if(ports.rules, [&](const Rule& rule) { return is_excluded(ports, rule.host.port); });
  return ports;
}

}  // namespace wg4::forward
