#pragma once
// What the threads of the program wait for.

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
  event_source,  ///< what else the program has in its loop, each with a number
};
using Loop = EventLoop<Source>;

/// Watches a tunnel's edges. Of several threads that watch the same socket, one is woken.
[[nodiscard]] Result<void> watch_tunnel(Loop& loop, const Tunnel& tunnel);

/// What an event of watch_tunnel() asks for: reads the UDP socket, or remembers the TUN's queue for pump_outbound().
void follow_event(Tunnel& tunnel, const Loop::Event& event, Now now);

/// The UDP socket is another one now.
[[nodiscard]] Result<void> watch_udp_again(Loop& loop, const Tunnel& tunnel);

/// While UDP is full the TUN is not read, and the sockets tell when they take more. `paused` is whether that was so.
[[nodiscard]] Result<void> follow_backlog(Loop& loop, const Tunnel& tunnel, bool& paused);

}  // namespace wg4
