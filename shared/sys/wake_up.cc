#include "shared/sys/wake_up.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <tuple>
#include <utility>

namespace wg4 {

Result<WakeUp> WakeUp::create() {
  UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.valid()) return fail("make an event descriptor", errno);
  return WakeUp(std::move(fd));
}

void WakeUp::wake() const { std::ignore = eventfd_write(fd_.get(), 1); }

void WakeUp::acknowledge() const {
  eventfd_t count = 0;
  std::ignore = eventfd_read(fd_.get(), &count);
}

}  // namespace wg4
