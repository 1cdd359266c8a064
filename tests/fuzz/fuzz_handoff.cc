// The handoff between the two programs: no input may crash decode(), and what decodes is the only way to write it.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "shared/handoff/handoff.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const wg4::ByteView bytes(data, size);
  const auto message = wg4::handoff::decode(bytes);
  if (message) CHECK(std::ranges::equal(wg4::handoff::encode(*message), bytes));
  return 0;
}
