#include "netns-helper/listeners.h"

#include <cerrno>
#include <string>
#include <utility>

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/loopback.h"
#include "shared/net/protocol.h"
#include "shared/sys/ip_listener.h"

namespace wg4 {
namespace {

constexpr const char* loopback_link = "lo";

bool is_without_v6(const Endpoint& address, int error) {
  return address.address == loopback(Family::v6) && (error == EADDRNOTAVAIL || error == EAFNOSUPPORT);
}

Result<void> open_some(std::vector<UniqueFd>& listeners, Protocol protocol, const std::vector<Endpoint>& wanted) {
  for (const Endpoint& address : wanted) {
    // Bound to lo: the peers of the tunnel could otherwise use the ways as well.
    auto listener = listen_at(protocol, address, loopback_link);
    if (listener)
      listeners.push_back(*std::move(listener));
    else if (!is_without_v6(address, listener.error().number))
      return fail_in("a way out of the namespace", std::move(listener).error());
  }
  return {};
}

}  // namespace

Result<std::vector<UniqueFd>> open_listeners(Netlink& netlink, const handoff::Begin& begin) {
  const auto lo = TRY(netlink.link(loopback_link));
  if (lo) TRY(netlink.bring_up(*lo));  // ::1 exists from then on
  std::vector<UniqueFd> listeners;
  TRY(open_some(listeners, Protocol::tcp, begin.tcp_listeners));
  TRY(open_some(listeners, Protocol::udp, begin.udp_listeners));
  return listeners;
}

}  // namespace wg4
