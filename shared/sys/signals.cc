#include "shared/sys/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace wg4 {

Result<SignalFd> SignalFd::create(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return create(set);
}

Result<SignalFd> SignalFd::create(const sigset_t& signals) {
  if (sigprocmask(SIG_BLOCK, &signals, nullptr) < 0) return fail("block signals", errno);
  UniqueFd fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return fail("receive signals by descriptor", errno);
  return SignalFd(std::move(fd));
}

std::optional<int> SignalFd::read() {
  const auto info = read_info();
  if (!info) return std::nullopt;
  return static_cast<int>(info->ssi_signo);
}

std::optional<signalfd_siginfo> SignalFd::read_info() {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof(info)) != sizeof(info)) return std::nullopt;
  return info;
}

SignalState SignalState::current() {
  SignalState state;
  sigprocmask(SIG_BLOCK, nullptr, &state.blocked_);
  sigemptyset(&state.ignored_);
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action{};
    if (sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) sigaddset(&state.ignored_, number);
  }
  return state;
}

void SignalState::restore_mask() const { sigprocmask(SIG_SETMASK, &blocked_, nullptr); }

void SignalState::restore_actions() const {
  for (int number = 1; number < NSIG; ++number)
    static_cast<void>(signal(number, sigismember(&ignored_, number) == 1 ? SIG_IGN : SIG_DFL));
}

}  // namespace wg4
