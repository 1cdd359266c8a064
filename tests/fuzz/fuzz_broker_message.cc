// A request to the broker: no bytes may crash it, and what is taken is written as it was read.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/base/check.h"
#include "wg4netns/supervise/broker_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> bytes(data, data + size);
  const auto request = wg4::broker::decode(bytes);
  if (!request || size > wg4::broker::max_message) return 0;
  const auto again = wg4::broker::encode(*request);
  CHECK(again.has_value() && *again == bytes);
  return 0;
}
