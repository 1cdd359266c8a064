#pragma once
// Forwarded TCP ports: accepts on one side, has a dialer connect on the other, and joins both sockets by two Streams.
// Of published ports the client's side is the host, and the guest's the namespace; of ways out it is the reverse.
//
// Sockets are registered with epoll once, edge-triggered: this class records what each stream waits for, so that a
// blocked stream costs no epoll call. If a connection breaks on one side, the other side is reset, so that truncated
// data does not look complete.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/forward/dialer.h"
#include "wg4netns/forward/fd_budget.h"
#include "wg4netns/forward/rule.h"
#include "wg4netns/forward/slots.h"
#include "wg4netns/forward/stream.h"
#include "wg4netns/forward/target.h"
#include "wg4netns/forward/token.h"

namespace wg4::forward {

class TcpRelay {
 public:
  using Time = std::chrono::nanoseconds;

  TcpRelay(Loop& loop, FdBudget& budget);

  /// Begins to accept from `listener`.
  [[nodiscard]] Result<void> open(RuleId id, UniqueFd listener, Dialer& dialer, Target target);
  /// Stops listening; connections of the rule go on.
  void close(RuleId id) { listeners_.erase(id); }

  /// To be called for events of the loop.
  void listener_ready(RuleId id, Time now);
  void client_ready(std::uint32_t slot, std::uint32_t events) { socket_ready(slot, events, client); }
  void guest_ready(std::uint32_t slot, std::uint32_t events) { socket_ready(slot, events, guest); }
  void dialed(std::uint32_t slot, Dialer::Answer answer);

  /// Moves a bounded amount of data. True if there is more to do at once.
  [[nodiscard]] bool work();
  /// To be called at the end of each turn. Returns when it has to be called next even without an event; nothing if only
  /// events matter.
  [[nodiscard]] std::optional<Time> end_turn(Time now);

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  enum Side : std::uint8_t { client, guest };

  struct Listener {
    FdBudget::Lease lease;
    UniqueFd fd;
    Dialer* dialer;
    Target target;
  };
  struct Connection {
    FdBudget::Lease lease;
    std::array<UniqueFd, 2> sockets;  // by Side
    std::array<Stream, 2> streams;    // by the side that they read from
    std::array<Wants, 2> wants{Wants::input, Wants::input};
    bool queued = false;
  };

  [[nodiscard]] bool accept_one(const Listener& listener);
  void socket_ready(std::uint32_t slot, std::uint32_t events, Side side);
  void queue(std::uint32_t slot, Connection& connection);
  void move(std::uint32_t slot, Connection& connection);
  void end(std::uint32_t slot, Connection& connection);
  void pause(Time now);
  void watch_listeners(std::uint32_t events);

  Loop& loop_;
  FdBudget& budget_;
  PipePool pipes_;
  std::map<RuleId, Listener> listeners_;
  Slots<Connection> connections_;
  std::deque<std::uint32_t> ready_;
  std::optional<Time> paused_until_;
  bool told_of_pause_ = false;
};

}  // namespace wg4::forward
