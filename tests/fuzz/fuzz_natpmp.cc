// Answers of a NAT-PMP gateway, at any time: none may crash it, and there is always a later time to go on at.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "tests/fuzz/fuzz_input.h"
#include "wg4netns/natpmp/lease.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using wg4::natpmp::Lease;
  wg4::test::FuzzInput input(wg4::ByteView(data, size));
  Lease lease;
  Lease::Time now = std::chrono::seconds(1);
  while (!input.empty()) {
    const std::size_t what = input.u8();
    if (what < 100) lease.receive(input.take(what % 20), now);
    if (what == 100) lease.closed(now);
    if (what > 100 && what < 200) now += std::chrono::milliseconds(what * what);
    if (what >= 200) now = std::max(now, lease.deadline());
    static_cast<void>(lease.advance(now));
    CHECK(lease.deadline() > now);
  }
  return 0;
}
