// Requests of engines to the plugin: no text may crash it, an accepted request is complete, and every answer is valid.

#include <cstddef>
#include <cstdint>
#include <string>

#include "shared/base/check.h"
#include "wg4netns/engines/netavark_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  if (const auto container = wg4::netavark::parse_container(text)) {
    CHECK(!container->id.empty() && !container->ifname.empty());
    for (const auto& port : container->ports) CHECK(port.host_port >= 1 && port.host_port + port.range - 1 <= 65535);
  }
  if (const auto network = wg4::netavark::parse_network(text))
    CHECK(wg4::netavark::parse_network(network->text)->text == network->text);
  CHECK(!wg4::netavark::error(text).empty());
  return 0;
}
