#include "shared/net/prefix.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <span>
#include <system_error>

namespace wg4 {

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return Prefix{*address, static_cast<std::uint8_t>(address->bits())};
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size() || length > address->bits()) return std::nullopt;
  return Prefix{*address, static_cast<std::uint8_t>(length)};
}

Prefix Prefix::masked() const {
  std::array<std::uint8_t, 16> bytes{};
  const auto from = address.bytes();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const unsigned kept = length <= 8 * i ? 0 : static_cast<unsigned>(length - 8 * i);
    const unsigned mask = kept >= 8 ? 0xffU : 0xffU << (8 - kept);
    bytes[i] = static_cast<std::uint8_t>(from[i] & mask);
  }
  const IpAddress network = address.is_v4() ? IpAddress::v4(std::span(bytes).first<4>()) : IpAddress::v6(bytes);
  return {network, length};
}

bool Prefix::contains(const IpAddress& other) const {
  return other.family() == address.family() && Prefix{other, length}.masked().address == masked().address;
}

std::string Prefix::to_string() const { return address.to_string() + "/" + std::to_string(length); }

}  // namespace wg4
