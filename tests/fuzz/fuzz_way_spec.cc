// --host-port and --lan: no text may crash, and what is accepted leads to loopback addresses or to the network itself.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "shared/base/check.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/loopback.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/ways.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wg4;
  const std::array<std::string, 1> text{std::string(data, data + size)};
  if (const auto ways = forward::parse_ways(text, {})) {
    const forward::HostPort& way = ways->host_ports.front();
    const Endpoint asked{loopback(Family::v4), way.inside};
    CHECK(is_loopback(way.host.address) && ways->target(way.protocol, asked) == way.host);
    CHECK(ways->listeners().size() == 2);
  }
  if (const auto ways = forward::parse_ways({}, text)) {
    const forward::LanPorts& way = ways->lan.front();
    const Endpoint asked{way.network.address, way.ports.front().first};
    CHECK(!way.network.contains(loopback(way.network.address.family())));
    CHECK(ways->target(Protocol::udp, asked) == asked);
    CHECK(!ways->listeners().empty() && ways->listeners().size() <= forward::Ways::max_listeners);
  }
  return 0;
}
