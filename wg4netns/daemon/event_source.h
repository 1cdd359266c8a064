#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <optional>

#include "shared/base/result.h"
#include "wg4netns/core/time.h"

namespace wg4 {

/// What the loop does after a source's turn.
enum class AfterTurn : std::uint8_t {
  go_on,
  unwatch,  ///< there is nothing more to hear at the source's descriptor; its deadlines still count
  end,      ///< the tunnel ends, as it should
};

/// A part of the first thread's loop beside the packets. It must not hold them up: a turn waits for nothing, and
/// does a bounded piece of work.
class EventSource {
 public:
  EventSource() = default;
  EventSource(const EventSource&) = delete;
  EventSource& operator=(const EventSource&) = delete;
  virtual ~EventSource() = default;

  /// The descriptor to watch: it may be an epoll of the source's own, or -1 for a source that only has deadlines.
  [[nodiscard]] virtual int fd() const = 0;
  /// The events to watch it for, as in epoll(7); 0 is the end of the other side alone.
  [[nodiscard]] virtual std::uint32_t events() const { return EPOLLIN; }
  /// When turn() is to be called without an event.
  [[nodiscard]] virtual std::optional<Instant> next_deadline() const { return std::nullopt; }
  /// After each event of fd(), and when next_deadline() has come. A failure ends the tunnel.
  [[nodiscard]] virtual Result<AfterTurn> turn(Now now) = 0;
};

}  // namespace wg4
