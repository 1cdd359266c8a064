#include "wg4netns/daemon/serve.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shared/sys/clock.h"
#include "shared/sys/log.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/time.h"
#include "wg4netns/core/timers.h"
#include "wg4netns/dataplane/loop.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/diagnosis/log_budget.h"
#include "wg4netns/io/clocks.h"
#include "wg4netns/io/send_failure.h"

namespace wg4 {
namespace {

Result<void> watch_all(Loop& loop, const Tunnel& tunnel, const Workers& workers, const BootTimer& timer,
                       const Attendants& attendants, const EndConditions& end) {
  TRY(watch_tunnel(loop, tunnel));
  TRY(loop.watch(workers.control().fd(), Source::wake));
  TRY(loop.watch(timer.fd(), Source::timer));
  TRY(loop.watch(end.signals.fd(), Source::signal));
  if (end.exit_fd.valid()) TRY(loop.watch(end.exit_fd.get(), Source::exit_fd, 0));
  if (end.target) TRY(loop.watch(end.target->fd(), Source::target));
  if (end.netns)
    for (const int fd : end.netns->fds()) TRY(loop.watch(fd, Source::netns));
  if (end.ports != nullptr) TRY(loop.watch(end.ports->fd(), Source::ports));
  if (attendants.endpoints.fd() >= 0) TRY(loop.watch(attendants.endpoints.fd(), Source::resolver));
  if (attendants.control != nullptr) TRY(loop.watch(attendants.control->fd(), Source::control));
  if (attendants.reloader != nullptr) TRY(loop.watch(attendants.reloader->fd(), Source::reloader));
  for (std::size_t i = 0; i < attendants.guests.size(); ++i)
    TRY(loop.watch(attendants.guests[i]->fd(), Source::guest, EPOLLIN, static_cast<std::uint32_t>(i)));
  return {};
}

/// What the core tells, for --log-level=debug.
class EventLog {
 public:
  EventLog() { budgets_.fill(LogBudget(100, 1s)); }
  void add(const Event& event, const Peer& peer, Instant now) {
    const std::string_view what = words(event.kind);
    if (what.empty() || log::level() < log::Level::debug) return;
    LogBudget& budget = budgets_.at(static_cast<std::size_t>(event.kind));
    if (budget.take(now)) log::debug("{}: {}{}", describe(peer), what, budget.take_left_out());
  }

 private:
  [[nodiscard]] static std::string_view words(EventKind kind) {
    switch (kind) {
      case EventKind::handshake_completed:
        return "handshake completed";
      case EventKind::handshake_unanswered:
        return "handshake unanswered, trying again";
      case EventKind::handshake_gave_up:
        return "has not answered for 90 seconds, giving up";
      case EventKind::roamed:
        return "heard from here now";
      case EventKind::keys_expired:
        return "session keys zeroed";
      case EventKind::evidence:
      case EventKind::count_:
        break;
    }
    return {};
  }

  std::array<LogBudget, event_kind_count> budgets_;
};

/// What time and handshake messages ask for. True when more handshake messages wait.
bool control(SharedDevice& shared, Now now, Tunnel& tunnel, const Attendants& attendants, EventLog& log) {
  auto device = shared.hold();
  device->expire(now, tunnel);
  const bool handshakes_wait = device->handshake_work(max_handshakes_per_turn, now, tunnel);
  for (const SendFailure& failure : device.take_failures()) attendants.peer_watch.failed(failure, now);
  for (const Event& event : device.take_events()) {
    const Peer* peer = device->peer(event.peer);
    if (peer == nullptr) continue;
    log.add(event, *peer, now.boot);
    if (event.kind == EventKind::handshake_unanswered) attendants.endpoints.unanswered(peer->public_key());
    attendants.peer_watch.consider(*device, event, now);
  }
  return handshakes_wait;
}

/// Says that the loop turns as often as the service manager wants to hear it, and wakes the loop for that.
class Heartbeat {
 public:
  explicit Heartbeat(ServiceManager& manager) : manager_(manager), next_(manager.interval() ? Instant::min() : never) {}
  [[nodiscard]] Instant next() const { return next_; }
  void turn(Instant now) {
    if (now < next_) return;
    manager_.alive();
    next_ = now + *manager_.interval();
  }

 private:
  ServiceManager& manager_;
  Instant next_;
};

/// Guests whose time has come get a turn.
void expire(std::span<LoopGuest* const> guests, Now now) {
  for (LoopGuest* guest : guests)
    if (guest->next_deadline().value_or(never) <= now.boot) guest->turn(now);
}

/// When the first of the guests wants its turn, or the service manager to hear of us.
Instant next_beside(std::span<LoopGuest* const> guests, const Heartbeat& heartbeat) {
  Instant next = heartbeat.next();
  for (const LoopGuest* guest : guests) next = std::min(next, guest->next_deadline().value_or(never));
  return next;
}

/// Until when there is nothing to do but packets; tells those threads that could bring something up before.
std::chrono::nanoseconds next_wake_up(SharedDevice& shared, const Endpoints& endpoints, Instant beside) {
  auto device = shared.hold();
  const Instant next =
      std::min({device->next_deadline().value_or(never), endpoints.next_deadline().value_or(never), beside});
  device.control_sleeps_until(next);
  return next == never ? std::chrono::nanoseconds{0} : std::max(next.time_since_epoch(), Duration{1});
}

}  // namespace

Result<void> serve(SharedDevice& device, Tunnel& tunnel, Workers& workers, const Attendants& attendants,
                   EndConditions& end) {
  Loop loop = TRY(Loop::create());
  BootTimer timer = TRY(BootTimer::create());
  TRY(watch_all(loop, tunnel, workers, timer, attendants, end));

  Heartbeat heartbeat(attendants.manager);
  EventLog event_log;
  bool handshakes_wait = false;
  bool tun_paused = false;
  for (;;) {
    timer.arm(next_wake_up(device, attendants.endpoints, next_beside(attendants.guests, heartbeat)));
    const auto events = loop.wait(handshakes_wait ? 0 : -1);
    const Now now = read_clocks();
    for (const Loop::Event& event : events) {
      switch (event.source) {
        case Source::tun:
        case Source::udp4:
        case Source::udp6:
          follow_event(tunnel, event, now);
          break;
        case Source::timer:
          timer.acknowledge();
          break;
        case Source::wake:
          workers.control().acknowledge();
          break;
        case Source::signal:
          if (const auto signal = end.signals.read()) {
            const bool reloads = *signal == SIGHUP && attendants.control != nullptr && attendants.control->reload();
            if (!reloads) return {};
            attendants.manager.reloading(monotonic_clock());
          }
          break;
        case Source::exit_fd:
          return {};
        case Source::target:
          return end.target->end();
        case Source::ports:
          return end.ports->end();
        case Source::netns:
          if (end.netns->gone()) return {};
          break;
        case Source::resolver:
          TRY(device.hold()->apply(attendants.endpoints.answered(now.boot), now, tunnel));
          if (attendants.endpoints.resolver_ended()) loop.forget(attendants.endpoints.fd());
          break;
        case Source::control:
          if (attendants.control->turn(now)) TRY(watch_udp_again(loop, tunnel));
          break;
        case Source::reloader:
          if (!attendants.reloader->take_end()) loop.forget(attendants.reloader->fd());
          attendants.manager.reloaded();
          break;
        case Source::guest:
          attendants.guests[event.number]->turn(now);
          break;
        case Source::udp_replaced:  // for the other threads
          break;
      }
    }
    if (!tunnel.pump_outbound(now)) {
      if (end.with_interface) return {};
      return fail("the interface is gone", 0, "It was deleted in its namespace, or the namespace ended");
    }
    attendants.endpoints.expire(now.boot);
    heartbeat.turn(now.boot);
    expire(attendants.guests, now);
    handshakes_wait = control(device, now, tunnel, attendants, event_log);
    attendants.peer_watch.listen(tunnel.outer(), now);
    tunnel.flush();
    TRY(follow_backlog(loop, tunnel, tun_paused));
  }
}

}  // namespace wg4
