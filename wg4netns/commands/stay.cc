#include "wg4netns/commands/stay.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "shared/sys/process.h"

namespace wg4 {
namespace {

int patience(const ServiceManager& manager) {
  using std::chrono::milliseconds;
  const auto interval = manager.interval();
  return interval ? static_cast<int>(std::chrono::duration_cast<milliseconds>(*interval).count()) : -1;
}

}  // namespace

Result<Stay> Stay::begin(keeper::Client& keeper) {
  SignalFd signals = TRY(SignalFd::create({SIGTERM, SIGINT, SIGHUP, SIGCHLD}));
  std::signal(SIGPIPE, SIG_IGN);  // the reader of our standard output may end before us
  return Stay(keeper, std::move(signals));
}

Result<Stay::End> Stay::wait(ServiceManager& manager) {
  TRY(keeper_.await_end());
  std::array<pollfd, 2> entries{{{signals_.fd(), POLLIN, 0}, {keeper_.fd(), POLLIN, 0}}};
  for (;;) {
    if (poll(entries.data(), entries.size(), patience(manager)) < 0 && errno != EINTR)
      return fail("wait for the tunnel's end", errno);
    if (manager.interval()) manager.alive();
    if (const auto signal = signals_.read(); signal == SIGCHLD)
      reap_children();  // keeper and tunnel, if this process has made them
    else if (signal)
      return End::signal;
    if (entries[1].revents != 0) {
      TRY(keeper_.hear_end());
      return End::tunnel;
    }
  }
}

}  // namespace wg4
