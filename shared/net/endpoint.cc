#include "shared/net/endpoint.h"

#include <charconv>
#include <cstddef>
#include <system_error>

namespace wg4 {
namespace {

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return std::nullopt;

  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  std::uint32_t scope = 0;
  if (const std::size_t percent = host.find('%'); bracketed && percent != std::string_view::npos) {
    const auto number = parse_number<std::uint32_t>(host.substr(percent + 1));
    if (!number) return std::nullopt;
    scope = *number;
    host = host.substr(0, percent);
  }
  const auto address = IpAddress::parse(host);
  if (!address || address->is_v4() == bracketed) return std::nullopt;
  return Endpoint{*address, *port, scope};
}

std::string Endpoint::to_string() const {
  if (address.is_v4()) return address.to_string() + ":" + std::to_string(port);
  const std::string zone = scope == 0 ? "" : "%" + std::to_string(scope);
  return "[" + address.to_string() + zone + "]:" + std::to_string(port);
}

}  // namespace wg4
