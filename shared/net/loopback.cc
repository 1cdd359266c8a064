#include "shared/net/loopback.h"

#include <array>
#include <cstdint>
#include <span>

namespace wg4 {

IpAddress loopback(Family family) {
  std::array<std::uint8_t, 16> bytes{};
  if (family == Family::v4) bytes.front() = 127;
  bytes[family == Family::v4 ? 3 : 15] = 1;
  return family == Family::v4 ? IpAddress::v4(std::span(bytes).first<4>()) : IpAddress::v6(bytes);
}

bool is_loopback(const IpAddress& address) {
  return address.is_v4() ? address.bytes()[0] == 127 : address == loopback(Family::v6);
}

}  // namespace wg4
