// /proc/net/tcp and the like: the kernel writes them, but no text may crash, and a port comes from a line.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "shared/base/check.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/port_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  for (const auto protocol : {wg4::Protocol::tcp, wg4::Protocol::udp}) {
    const auto ports = wg4::forward::listening_ports(text, protocol);
    CHECK(ports.size() <= lines && !ports.contains(0));
  }
  return 0;
}
