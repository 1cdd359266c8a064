// --publish: no text may crash, and an accepted text means the same when it is written out in full.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "shared/base/check.h"
#include "shared/net/ip_address.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/publish_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto rules = wg4::forward::parse_publish(text, *wg4::IpAddress::parse("127.0.0.1"));
  if (!rules) return 0;
  CHECK(!rules->empty() && rules->size() <= UINT16_MAX);
  for (const auto& rule : {rules->front(), rules->back()}) {
    const std::string whole =
        rule.host.to_string() + ":" + rule.guest.to_string() + "/" + std::string(wg4::name_of(rule.protocol));
    const auto again = wg4::forward::parse_publish(whole, {});
    CHECK(again.has_value() && again->size() == 1 && again->front() == rule);
  }
  return 0;
}
