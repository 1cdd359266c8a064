#include "shared/sys/wake_up.h"

#include <doctest/doctest.h>
#include <poll.h>

namespace wg4 {
namespace {

bool is_readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, 0) == 1;
}

TEST_CASE("a wake-up is readable until it is acknowledged, however often it was called") {
  const WakeUp wake_up = WakeUp::create().value();
  CHECK_FALSE(is_readable(wake_up.fd()));
  wake_up.acknowledge();  // does not wait
  wake_up.wake();
  wake_up.wake();
  CHECK(is_readable(wake_up.fd()));
  wake_up.acknowledge();
  CHECK_FALSE(is_readable(wake_up.fd()));
}

}  // namespace
}  // namespace wg4
