#include "wg4netns/natpmp/gateway.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace wg4::natpmp {
namespace {

bool is_private(const IpAddress& address) {
  return std::ranges::any_of(std::array{"10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"},
                             [&](const char* each) { return Prefix::parse(each)->contains(address); });
}

}  // namespace

std::optional<IpAddress> guess_gateway(std::span<const IpAddress> servers, std::span<const Prefix> addresses) {
  const auto server = std::ranges::find_if(servers, is_private);
  if (server != servers.end()) return *server;
  for (const Prefix& own : addresses) {
    if (!own.address.is_v4() || own.length >= 31) continue;
    const Prefix network = own.masked();
    std::array<std::uint8_t, 4> bytes{};
    std::ranges::copy(network.address.bytes(), bytes.begin());
    bytes[3] |= 1U;
    return IpAddress::v4(bytes);
  }
  return std::nullopt;
}

}  // namespace wg4::natpmp
