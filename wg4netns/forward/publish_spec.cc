#include "wg4netns/forward/publish_spec.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>

#include "shared/net/ip_address.h"
#include "shared/net/loopback.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/port_range.h"

namespace wg4::forward {
namespace {

/// "127.0.0.1" or "[::1]".
std::optional<IpAddress> parse_address(std::string_view text) {
  const bool bracketed = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  const auto address = IpAddress::parse(bracketed ? text.substr(1, text.size() - 2) : text);
  if (!address || address->is_v4() == bracketed) return std::nullopt;
  return address;
}

/// Splits at colons that are not within brackets.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> fields;
  std::size_t begin = 0;
  bool inside = false;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ':' && !inside)) {
      fields.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    } else if (text[i] == '[' || text[i] == ']') {
      inside = text[i] == '[';
    }
  }
  return fields;
}

std::optional<Protocol> take_protocol(std::string_view& text) {
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return Protocol::tcp;
  const std::string_view name = text.substr(slash + 1);
  text = text.substr(0, slash);
  if (name == "tcp") return Protocol::tcp;
  if (name == "udp") return Protocol::udp;
  return std::nullopt;
}

std::unexpected<Error> refuse(std::string_view text, const std::string& why) {
  return fail(
      "--publish " + std::string(text) + ": " + why, 0,
      "The form is [ADDRESS:]PORT:[ADDRESS:]PORT[/tcp|/udp], the host's side first, IPv6 addresses in brackets");
}

}  // namespace

IpAddress published_loopback() { return loopback(Family::v4); }

Result<std::vector<Rule>> parse_publish(std::string_view text, const IpAddress& guest) {
  std::string_view rest = text;
  const auto protocol = take_protocol(rest);
  if (!protocol) return refuse(text, "the protocol is neither tcp nor udp");
  std::vector<std::string_view> fields = split(rest);
  if (fields.size() < 2 || fields.size() > 4)
    return refuse(text, "a port on the host and one in the namespace are needed");

  IpAddress host_address;
  IpAddress guest_address = guest;
  // With three fields, one is an address: the first or the second.
  if (fields.size() == 4 || (fields.size() == 3 && !parse_range(fields[0]))) {
    const auto address = parse_address(fields[0]);
    if (!address) return refuse(text, "'" + std::string(fields[0]) + "' is not an address");
    host_address = *address;
    fields.erase(fields.begin());
  }
  if (fields.size() == 3) {
    const auto address = parse_address(fields[1]);
    if (!address) return refuse(text, "'" + std::string(fields[1]) + "' is not an address");
    guest_address = *address;
    fields.erase(fields.begin() + 1);
  }

  const auto host = parse_range(fields[0]);
  const auto inside = parse_range(fields[1]);
  if (!host || !inside)
    return refuse(text, "'" + std::string(host ? fields[1] : fields[0]) + "' is not a port, nor a range of ports");
  if (host->size() != inside->size()) return refuse(text, "the two ranges of ports differ in length");
  std::vector<Rule> rules;
  rules.reserve(static_cast<std::size_t>(host->size()));
  for (int i = 0; i < host->size(); ++i)
    rules.push_back({*protocol,
                     {host_address, static_cast<std::uint16_t>(host->first + i)},
                     {guest_address, static_cast<std::uint16_t>(inside->first + i)}});
  return rules;
}

}  // namespace wg4::forward
