#include "wg4netns/daemon/serve.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>

#include "shared/sys/clock.h"
#include "shared/sys/log.h"
#include "shared/sys/wake_up.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/time.h"
#include "wg4netns/core/timers.h"
#include "wg4netns/dataplane/loop.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/dataplane/tunnel.h"
#include "wg4netns/dataplane/workers.h"
#include "wg4netns/diagnosis/log_budget.h"
#include "wg4netns/io/clocks.h"
#include "wg4netns/io/send_failure.h"

namespace wg4 {
namespace {

/// Logs the core's events, for --log-level=debug.
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

/// For what was sent before the end: as many as empty the queue of a TUN, and no more if somebody goes on to send.
constexpr int max_last_turns = 16;

/// Does the work of timers and handshake messages. True if more handshake messages wait.
bool work_off(DataPlane& data_plane, const PeerFollowers& followers, EventLog& log, Now now) {
  auto device = data_plane.device().hold();
  device->expire(now, data_plane.first());
  const bool handshakes_wait = device->handshake_work(max_handshakes_per_turn, now, data_plane.first());
  for (const SendFailure& failure : device.take_failures()) followers.peer_watch.failed(failure, now);
  for (const Event& event : device.take_events()) {
    const Peer* peer = device->peer(event.peer);
    if (peer == nullptr) continue;
    log.add(event, *peer, now.boot);
    if (event.kind == EventKind::handshake_unanswered) followers.endpoints.unanswered(peer->public_key());
    followers.peer_watch.consider(*device, event, now);
  }
  return handshakes_wait;
}

/// When there is next something to do besides packets (0 = never). The other threads wake this one if that changes.
std::chrono::nanoseconds next_wake_up(SharedDevice& shared, Instant of_sources) {
  auto device = shared.hold();
  const Instant next = std::min(device->next_deadline().value_or(never), of_sources);
  device.control_sleeps_until(next);
  return next == never ? std::chrono::nanoseconds{0} : std::max(next.time_since_epoch(), Duration{1});
}

}  // namespace

Result<LoopEnd> serve(DataPlane& data_plane, const PeerFollowers& followers, const SourceTable& sources) {
  Tunnel& tunnel = data_plane.first();
  const WakeUp& woken_by_others = data_plane.others().control();
  Loop loop = TRY(Loop::create());
  BootTimer timer = TRY(BootTimer::create());
  TRY(watch_tunnel(loop, tunnel));
  TRY(loop.watch(timer.fd(), Source::timer));
  TRY(loop.watch(woken_by_others.fd(), Source::woken));
  TRY(sources.watch(loop));

  EventLog event_log;
  bool handshakes_wait = false;
  bool tun_paused = false;
  bool asked = false;  // to end
  int last_turns = max_last_turns;
  for (;;) {
    const Instant next = sources.next_deadline();
    timer.arm(next_wake_up(data_plane.device(), next));
    const auto events = loop.wait(handshakes_wait || asked ? 0 : -1);
    const Now now = read_clocks();
    bool has_frames = false;
    for (const Loop::Event& event : events) {
      has_frames |= event.source == Source::tun;
      switch (event.source) {
        case Source::tun:
        case Source::udp4:
        case Source::udp6:
          follow_event(tunnel, event, now);
          break;
        case Source::timer:
          timer.acknowledge();
          break;
        case Source::woken:
          woken_by_others.acknowledge();
          break;
        case Source::event_source:
          if (!TRY(sources.turn(loop, event.number, now))) asked = true;
          break;
      }
    }
    if (data_plane.take_udp_replaced()) TRY(watch_udp_again(loop, tunnel));
    if (!tunnel.pump_outbound(now)) return asked ? LoopEnd::asked : LoopEnd::interface_gone;
    if (next <= now.boot && !TRY(sources.expire(loop, now))) asked = true;
    handshakes_wait = work_off(data_plane, followers, event_log, now);
    followers.peer_watch.listen(tunnel.outer(), now);
    tunnel.flush();
    if (asked && (!has_frames || --last_turns == 0)) return LoopEnd::asked;
    TRY(follow_backlog(loop, tunnel, tun_paused));
  }
}

}  // namespace wg4
