#pragma once
// The events that the threads of the program wait for.

#include <cstdint>

#include "shared/base/result.h"
#include "shared/sys/event_loop.h"
#include "wg4netns/core/time.h"
#include "wg4netns/dataplane/tunnel.h"

namespace wg4 {

enum class Source : std::uint32_t {
  tun,
  udp4,
  udp6,
  timer,
  woken,         ///< by another thread
  event_source,  ///< one of the loop's other sources, by its number
};
using Loop = EventLoop<Source>;

/// Watches a tunnel's edges. Of several threads that watch the same socket, one is woken.
[[nodiscard]] Result<void> watch_tunnel(Loop& loop, const Tunnel& tunnel);

/// Does what an event of watch_tunnel() asks for: reads the UDP socket, or remembers the TUN's queue for
/// pump_outbound().
void follow_event(Tunnel& tunnel, const Loop::Event& event, Now now);

/// Watches the UDP socket that has taken the place of another one.
[[nodiscard]] Result<void> watch_udp_again(Loop& loop, const Tunnel& tunnel);

/// While UDP is full, the loop watches for room in the sockets, and not for packets of the TUN. `paused` says whether
/// it does so already, and is brought up to date.
[[nodiscard]] Result<void> follow_backlog(Loop& loop, const Tunnel& tunnel, bool& paused);

}  // namespace wg4
