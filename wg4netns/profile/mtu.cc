#include "wg4netns/profile/mtu.h"

#include <algorithm>

#include "shared/net/mtu.h"
#include "shared/sys/log.h"
#include "shared/sys/netlink.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/messages.h"

namespace wg4 {
namespace {

constexpr std::uint16_t engines_unset = 65520;  // what engines pass by default
constexpr std::uint32_t ethernet_mtu = 1500;    // if no route says it
constexpr std::uint32_t tunnel_overhead = 80;   // IPv6 40, UDP 8, WireGuard 32
constexpr std::uint16_t max_mtu = max_datagram_size - data_overhead;

std::uint16_t route_mtu(std::span<const Endpoint> endpoints) {
  std::uint32_t smallest = UINT32_MAX;
  auto netlink = Netlink::open();
  for (const Endpoint& endpoint : endpoints) {
    if (!netlink) break;
    if (const auto mtu = netlink->route_mtu(endpoint)) smallest = std::min(smallest, *mtu);
  }
  if (smallest == UINT32_MAX) smallest = ethernet_mtu;
  const std::uint32_t inner = std::max(smallest, min_ipv6_mtu + tunnel_overhead) - tunnel_overhead;
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(inner, max_mtu));
}

}  // namespace

std::uint16_t choose_mtu(std::optional<std::uint16_t> given, const WgConfig& config,
                         std::span<const Endpoint> endpoints) {
  std::uint16_t mtu = config.mtu.value_or(0);
  if (given && *given != engines_unset) mtu = *given;
  if (mtu == 0) return route_mtu(endpoints);
  if (mtu <= max_mtu) return mtu;
  log::warning("MTU {} does not fit a UDP datagram once sealed: using {}", mtu, max_mtu);
  return max_mtu;
}

}  // namespace wg4
