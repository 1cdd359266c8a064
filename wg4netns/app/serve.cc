#include "wg4netns/app/serve.h"

#include <sys/epoll.h>

#include <algorithm>

#include "shared/base/hex_base64.h"
#include "shared/sys/clock.h"
#include "shared/sys/event_loop.h"
#include "shared/sys/log.h"

namespace wg4 {
namespace {

/// Handshake messages per turn: about a millisecond of curve arithmetic, so that data never waits long behind it.
constexpr std::size_t handshakes_per_turn = 8;

enum class Source : std::uint32_t { tun, udp4, udp6, timer, signal, exit_fd, target, resolver };
using Loop = EventLoop<Source>;

Result<void> watch_all(Loop& loop, const Tunnel& tunnel, const BootTimer& timer, const Endpoints& endpoints,
                       const EndConditions& end) {
  TRY(loop.watch(tunnel.tun().fd(), Source::tun));
  TRY(loop.watch(tunnel.udp().fd(Family::v4), Source::udp4));
  if (tunnel.udp().has(Family::v6)) TRY(loop.watch(tunnel.udp().fd(Family::v6), Source::udp6));
  TRY(loop.watch(timer.fd(), Source::timer));
  TRY(loop.watch(end.signals.fd(), Source::signal));
  if (end.exit_fd.valid()) TRY(loop.watch(end.exit_fd.get(), Source::exit_fd, 0));
  if (end.target) TRY(loop.watch(end.target->fd(), Source::target));
  if (endpoints.fd() >= 0) TRY(loop.watch(endpoints.fd(), Source::resolver));
  return {};
}

/// While UDP is full the TUN is not read, and the sockets tell when they take more.
Result<void> follow_backlog(Loop& loop, const Tunnel& tunnel, bool& paused) {
  if (tunnel.backlogged() == paused) return {};
  paused = tunnel.backlogged();
  const std::uint32_t tun_events = paused ? 0U : std::uint32_t{EPOLLIN};
  const std::uint32_t udp_events = paused ? EPOLLIN | EPOLLOUT : std::uint32_t{EPOLLIN};
  TRY(loop.change(tunnel.tun().fd(), Source::tun, tun_events));
  TRY(loop.change(tunnel.udp().fd(Family::v4), Source::udp4, udp_events));
  if (tunnel.udp().has(Family::v6)) TRY(loop.change(tunnel.udp().fd(Family::v6), Source::udp6, udp_events));
  return {};
}

std::string describe(const Peer& peer) {
  const std::string where = peer.path ? peer.path->remote.to_string() : "no endpoint";
  return "peer " + encode_base64(peer.public_key()) + " (" + where + ")";
}

void handle(const Event& event, const Device& device, Endpoints& endpoints) {
  const Peer* peer = device.peer(event.peer);
  if (peer == nullptr) return;
  switch (event.kind) {
    case EventKind::handshake_completed:
      return log::debug("{}: handshake completed", describe(*peer));
    case EventKind::handshake_unanswered:
      log::debug("{}: handshake unanswered, trying again", describe(*peer));
      return endpoints.unanswered(peer->public_key());
    case EventKind::handshake_gave_up:
      return log::warning("{} has not answered for 90 seconds: check its endpoint, both keys, and firewalls for UDP",
                          describe(*peer));
    case EventKind::roamed:
      return log::debug("{}: heard from here now", describe(*peer));
    case EventKind::keys_expired:
      return log::debug("{}: session keys zeroed", describe(*peer));
  }
}

std::chrono::nanoseconds next_wake_up(const Device& device, const Endpoints& endpoints) {
  const Instant next = std::min(device.next_deadline().value_or(never), endpoints.next_deadline().value_or(never));
  return next == never ? std::chrono::nanoseconds{0} : std::max(next.time_since_epoch(), Duration{1});
}

}  // namespace

Now read_clocks() { return {Instant(boot_clock()), WallTime(wall_clock())}; }

Result<void> serve(Device& device, Tunnel& tunnel, Endpoints& endpoints, EndConditions& end) {
  Loop loop = TRY(Loop::create());
  BootTimer timer = TRY(BootTimer::create());
  TRY(watch_all(loop, tunnel, timer, endpoints, end));

  bool handshakes_wait = false;
  bool tun_paused = false;
  for (;;) {
    timer.arm(next_wake_up(device, endpoints));
    const auto events = loop.wait(handshakes_wait ? 0 : -1);
    const Now now = read_clocks();
    for (const auto [source, what] : events) {
      switch (source) {
        case Source::tun:
          if (!tunnel.pump_outbound(now))
            return fail("the interface is gone", 0, "It was deleted in its namespace, or the namespace ended");
          break;
        case Source::udp4:
          tunnel.pump_inbound(Family::v4, now);
          break;
        case Source::udp6:
          tunnel.pump_inbound(Family::v6, now);
          break;
        case Source::timer:
          timer.acknowledge();
          break;
        case Source::signal:
          if (end.signals.read()) return {};
          break;
        case Source::exit_fd:
          return {};
        case Source::target:
          loop.forget(end.target->fd());
          if (!end.target->find_other()) return {};
          TRY(loop.watch(end.target->fd(), Source::target));
          break;
        case Source::resolver:
          TRY(device.apply(endpoints.answered(now.boot), now, tunnel));
          break;
      }
    }
    device.expire(now, tunnel);
    endpoints.expire(now.boot);
    handshakes_wait = device.handshake_work(handshakes_per_turn, now, tunnel);
    tunnel.flush();
    TRY(follow_backlog(loop, tunnel, tun_paused));
    for (const Event& event : tunnel.take_events()) handle(event, device, endpoints);
  }
}

}  // namespace wg4
