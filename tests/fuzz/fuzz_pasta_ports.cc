// pasta's -t and -u, one text per line: nothing may crash, and the accepted ports are complete, without excluded ones.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/check.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/pasta_ports.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> texts(1);
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] == '\n')
      texts.emplace_back();
    else
      texts.back().push_back(static_cast<char>(data[i]));
  }
  constexpr std::size_t enough = 4;  // each may stand for 65535 rules
  if (std::ranges::count(texts.front(), ',') > 2 || texts.size() > enough) return 0;
  const auto ports = wg4::forward::parse_pasta_ports(texts, wg4::Protocol::udp, true);
  if (!ports) return 0;
  for (const auto& rule : ports->rules) {
    CHECK(rule.protocol == wg4::Protocol::udp && rule.host.port != 0 && rule.guest.port != 0);
    CHECK(std::ranges::none_of(ports->excluded, [&](const auto& range) { return range.contains(rule.host.port); }));
  }
  return 0;
}
