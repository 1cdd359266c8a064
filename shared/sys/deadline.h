#pragma once
// Waits for one descriptor, for a bounded time: for code that communicates with one other process before, or without,
// an event loop.

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>

#include "shared/base/result.h"

namespace wg4 {

using Deadline = std::chrono::steady_clock::time_point;

[[nodiscard]] inline Deadline deadline_in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

/// True once poll(2) reports `events`, or the end of the connection, on `fd`; false if the deadline comes first.
[[nodiscard]] inline Result<bool> wait_until(int fd, std::int16_t events, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{fd, events, 0};
    const int ready = poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT32_MAX)));
    if (ready < 0 && errno != EINTR) return fail("wait for another process", errno);
    if (ready >= 0) return ready > 0;
  }
}

}  // namespace wg4
