#include "wg4netns/forward/forwarder.h"

#include <pthread.h>
#include <sys/eventfd.h>

#include <cerrno>

namespace wg4::forward {

Result<Forwarder> Forwarder::create(const Settings& settings, ForwardLoop::Way way) {
  UniqueFd stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return fail("create an event descriptor", errno);
  auto loop = TRY(ForwardLoop::create(settings, std::move(way), stop.get()));
  return Forwarder(std::move(stop), std::move(loop));
}

void Forwarder::start() {
  thread_ = std::thread([loop = loop_.get()] {
    pthread_setname_np(pthread_self(), "wg4-forward");
    loop->run();
  });
}

Forwarder::~Forwarder() {
  if (!thread_.joinable()) return;
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

}  // namespace wg4::forward
