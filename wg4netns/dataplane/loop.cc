#include "wg4netns/dataplane/loop.h"

#include <cstddef>
#include <cstdint>

#include "shared/base/result.h"
#include "shared/net/ip_address.h"
#include "wg4netns/core/time.h"

namespace wg4 {
namespace {

Result<void> watch_udp(Loop& loop, const Tunnel& tunnel, std::uint32_t events) {
  TRY(loop.watch(tunnel.outer().fd(Family::v4), Source::udp4, events | EPOLLEXCLUSIVE));
  if (tunnel.outer().has(Family::v6))
    TRY(loop.watch(tunnel.outer().fd(Family::v6), Source::udp6, events | EPOLLEXCLUSIVE));
  return {};
}

/// Calls `apply(descriptor, number)` for each queue that this tunnel reads.
template <class Apply>
Result<void> for_each_queue(const Tunnel& tunnel, Apply&& apply) {
  for (std::size_t i = tunnel.share().first; i < tunnel.inner().size(); i += tunnel.share().step)
    TRY(apply(tunnel.inner()[i].fd(), static_cast<std::uint32_t>(i)));
  return {};
}

}  // namespace

Result<void> watch_tunnel(Loop& loop, const Tunnel& tunnel) {
  TRY(for_each_queue(tunnel, [&](int fd, std::uint32_t i) { return loop.watch(fd, Source::tun, EPOLLIN, i); }));
  return watch_udp(loop, tunnel, EPOLLIN);
}

void follow_event(Tunnel& tunnel, const Loop::Event& event, Now now) {
  if (event.source == Source::tun) {
    tunnel.queue_ready(event.number);
  } else {
    const Family family = event.source == Source::udp4 ? Family::v4 : Family::v6;
    if ((event.events & EPOLLERR) != 0) tunnel.outer().read_failures(family);
    tunnel.pump_inbound(family, now);
  }
}

Result<void> watch_udp_again(Loop& loop, const Tunnel& tunnel) {
  // The kernel refuses changes to a descriptor that is watched with EPOLLEXCLUSIVE.
  loop.forget(tunnel.outer().fd(Family::v4));
  if (tunnel.outer().has(Family::v6)) loop.forget(tunnel.outer().fd(Family::v6));
  return watch_udp(loop, tunnel, tunnel.backlogged() ? EPOLLIN | EPOLLOUT : std::uint32_t{EPOLLIN});
}

Result<void> follow_backlog(Loop& loop, const Tunnel& tunnel, bool& paused) {
  if (tunnel.backlogged() == paused) return {};
  paused = tunnel.backlogged();
  const std::uint32_t tun_events = paused ? 0U : std::uint32_t{EPOLLIN};
  TRY(for_each_queue(tunnel, [&](int fd, std::uint32_t i) { return loop.change(fd, Source::tun, tun_events, i); }));
  return watch_udp_again(loop, tunnel);
}

}  // namespace wg4
