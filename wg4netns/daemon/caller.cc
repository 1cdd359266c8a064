#include "wg4netns/daemon/caller.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include "shared/sys/clock.h"

namespace wg4 {

Result<UniqueFd> adopt_descriptor(std::optional<int> number, const std::string& option, int access) {
  if (!number) return UniqueFd();
  const std::string name = option + " " + std::to_string(*number);
  const int flags = fcntl(*number, F_GETFL);
  if (flags < 0) return fail(name, errno, "The program that starts this one has to leave that descriptor open for it");
  if (access == O_WRONLY && (flags & O_ACCMODE) == O_RDONLY)
    return fail(name + " cannot be written to", 0, "Give the writing end of the pipe");
  if (fcntl(*number, F_SETFD, FD_CLOEXEC) < 0) return fail(name, errno);
  return UniqueFd(*number);
}

Result<Caller> Caller::adopt(const TunnelOptions& options, bool is_engine) {
  std::signal(SIGPIPE, SIG_IGN);  // the reader of our log, or of --ready-fd, may end before us
  SignalFd signals = TRY(SignalFd::create({SIGTERM, SIGINT, SIGHUP}));
  UniqueFd exit_fd = TRY(adopt_descriptor(options.exit_fd, "--exit-fd", O_RDONLY));
  UniqueFd ready_fd = TRY(adopt_descriptor(options.ready_fd, "--ready-fd", O_WRONLY));
  ServiceManager manager = is_engine ? ServiceManager() : TRY(ServiceManager::from_environment());
  return Caller{.signals = std::move(signals),
                .exit_fd = std::move(exit_fd),
                .ready_fd = std::move(ready_fd),
                .manager = std::move(manager)};
}

Result<void> Caller::tell_ready(std::string_view status) {
  manager.ready(status);  // first, since it may wait for room in the manager's queue
  const UniqueFd fd = std::move(ready_fd);
  if (fd.valid() && write(fd.get(), "1", 1) != 1)
    return fail("write to --ready-fd", errno, "The program that started this one may have ended");
  return {};
}

Result<AfterTurn> SignalSource::turn(Now) {
  const auto signal = caller_.signals.read_info();
  if (!signal) return AfterTurn::go_on;
  if (signal->ssi_signo != SIGHUP || reloader_ == nullptr) {
    caller_.namespace_ends = caller_.namespace_owner != 0 && std::cmp_equal(signal->ssi_pid, caller_.namespace_owner);
    return AfterTurn::end;
  }
  reloader_->reload();
  caller_.manager.reloading(monotonic_clock());
  return AfterTurn::go_on;
}

HeartbeatSource::HeartbeatSource(ServiceManager& manager) : manager_(manager) {
  if (manager.interval()) next_ = Instant::min();
}

Result<AfterTurn> HeartbeatSource::turn(Now now) {
  manager_.alive();
  next_ = now.boot + *manager_.interval();
  return AfterTurn::go_on;
}

Result<AfterTurn> ReloadEndSource::turn(Now) {
  const bool goes_on = reloader_.take_end();
  manager_.reloaded();
  return goes_on ? AfterTurn::go_on : AfterTurn::unwatch;
}

}  // namespace wg4
