#include "netns-helper/container/supervision.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>

#include "shared/sys/deadline.h"
#include "shared/sys/process.h"

namespace wg4::container {
namespace {

using std::chrono::milliseconds;

/// These end what does not handle them.
bool is_an_end(int signal) { return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT; }

class Supervision {
 public:
  Supervision(const Supervised& supervised, SignalFd& signals) : of_(supervised), signals_(signals) {}

  Ending run() {
    while (!over_) {
      reap();
      if (status_ && !has_children_) break;
      if (status_ && !adopt_until_) adopt_until_ = deadline_in(milliseconds(of_.set_up.adopt_wait_delay_ms));
      wait();
    }
    end_all();
    return ending_;
  }

 private:
  /// All that have ended, this time.
  void reap() {
    for (;;) {
      siginfo_t info{};
      if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0) {
        has_children_ = errno != ECHILD;
        if (errno != EINTR) return;
      } else if (info.si_pid == 0) {
        return;
      } else if (info.si_pid == of_.command) {
        status_ = ExitStatus{.signaled = info.si_code != CLD_EXITED, .value = info.si_status};
      }
    }
  }

  void wait() {
    std::array<pollfd, 2> entries{{{signals_.fd(), POLLIN, 0}, {of_.starter, 0, 0}}};
    const int ready = poll(entries.data(), entries.size(), time_left());
    if (entries[1].revents != 0) over_ = true;  // nobody is left to run it for
    if (ready > 0 && entries[0].revents != 0)
      while (const auto signal = signals_.read_info()) take(*signal);
    look_at_deadlines();
  }

  [[nodiscard]] int time_left() const {
    if (!adopt_until_ && !cancel_until_) return -1;
    const Deadline next = std::min(adopt_until_.value_or(Deadline::max()), cancel_until_.value_or(Deadline::max()));
    const auto left = std::chrono::ceil<milliseconds>(next - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT32_MAX));
  }

  void look_at_deadlines() {
    const Deadline now = std::chrono::steady_clock::now();
    if (cancel_until_ && *cancel_until_ <= now) {
      ending_.forced = !status_;
      over_ = true;
    }
    if (adopt_until_ && *adopt_until_ <= now) {
      reap();
      ending_.orphans_killed = has_children_;
      over_ = true;
    }
  }

  void take(const signalfd_siginfo& signal) {
    const int number = static_cast<int>(signal.ssi_signo);
    // What a process inside sends has its PID. A key of the terminal has sent it to the command, too.
    if (number == SIGCHLD || signal.ssi_pid != 0 || signal.ssi_code == SI_KERNEL) return;
    if (number == of_.set_up.container.cancel_signal)
      cancel();
    else if (!status_)
      kill(of_.command, number);
    else if (is_an_end(number))
      over_ = true;
  }

  void cancel() {
    ending_.cancelled = ending_.cancelled || !status_;
    if (status_ || !of_.set_up.container.forward_cancel) {
      over_ = true;
    } else if (!cancel_until_) {
      kill(of_.command, SIGINT);
      cancel_until_ = deadline_in(milliseconds(of_.set_up.wait_delay_ms));
    }
  }

  /// All in this PID namespace but this process. What has lost its parent by that comes to us in the next round. The
  /// kernel ends what resists longer, when this process ends.
  void end_all() {
    constexpr milliseconds interval{10};
    constexpr int enough = 100;
    for (int round = 0; has_children_ && (!status_ || round < enough); ++round) {
      kill(-1, SIGKILL);
      reap();
      if (has_children_) poll(nullptr, 0, static_cast<int>(interval.count()));
    }
    ending_.status = status_.value_or(ExitStatus{.signaled = true, .value = SIGKILL});
  }

  const Supervised& of_;
  SignalFd& signals_;
  Ending ending_;
  std::optional<ExitStatus> status_;  // the command's, once it has ended
  std::optional<Deadline> adopt_until_;
  std::optional<Deadline> cancel_until_;
  bool has_children_ = true;
  bool over_ = false;
};

}  // namespace

Ending supervise(const Supervised& supervised, SignalFd& signals) { return Supervision(supervised, signals).run(); }

}  // namespace wg4::container
