#include "shared/sys/clock.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <utility>

#include "shared/base/check.h"

namespace wg4 {
namespace {

std::chrono::nanoseconds read_clock(clockid_t clock) {
  timespec time{};
  CHECK(clock_gettime(clock, &time) == 0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

std::chrono::nanoseconds boot_clock() { return read_clock(CLOCK_BOOTTIME); }
std::chrono::nanoseconds monotonic_clock() { return read_clock(CLOCK_MONOTONIC); }
std::chrono::nanoseconds wall_clock() { return read_clock(CLOCK_REALTIME); }

Result<BootTimer> BootTimer::create() {
  UniqueFd fd(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!fd.valid()) return fail("create a timer", errno);
  return BootTimer(std::move(fd));
}

void BootTimer::arm(std::chrono::nanoseconds deadline) {
  if (deadline == armed_) return;
  armed_ = deadline;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(deadline);
  itimerspec when{};
  when.it_value.tv_sec = seconds.count();
  when.it_value.tv_nsec = (deadline - seconds).count();
  CHECK(timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr) == 0);
}

void BootTimer::acknowledge() {
  std::uint64_t expirations = 0;
  [[maybe_unused]] const ssize_t size = read(fd_.get(), &expirations, sizeof(expirations));
  armed_ = disarmed;
}

}  // namespace wg4
