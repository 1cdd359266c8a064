#pragma once
// epoll(7), with names for event sources. The loop itself, and its switch, are the program's.

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// `Source` is the program's enum of event sources; each event has one.
template <class Source>
class EventLoop {
 public:
  struct Event {
    Source source;
    std::uint32_t events;  ///< EPOLLIN, EPOLLHUP, ...
    std::uint32_t number;  ///< the number that watch() was given, if a source has several descriptors
  };

  [[nodiscard]] static Result<EventLoop> create() {
    UniqueFd fd(epoll_create1(EPOLL_CLOEXEC));
    if (!fd.valid()) return fail("create an event loop", errno);
    return EventLoop(std::move(fd));
  }

  /// Readable when there are events: so a loop can be a source of another one.
  [[nodiscard]] int fd() const { return epoll_.get(); }
  /// `events` may be 0: EPOLLHUP and EPOLLERR always come.
  [[nodiscard]] Result<void> watch(int fd, Source source, std::uint32_t events = EPOLLIN, std::uint32_t number = 0) {
    return control(EPOLL_CTL_ADD, fd, source, events, number);
  }
  [[nodiscard]] Result<void> change(int fd, Source source, std::uint32_t events, std::uint32_t number = 0) {
    return control(EPOLL_CTL_MOD, fd, source, events, number);
  }
  void forget(int fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

  /// Waits at most `timeout_ms` (-1: for ever). An interrupted wait has no events.
  [[nodiscard]] std::span<const Event> wait(int timeout_ms) {
    std::array<epoll_event, max_events> ready;
    const int count = epoll_wait(epoll_.get(), ready.data(), max_events, timeout_ms);
    std::size_t used = 0;
    for (int i = 0; i < count; ++i, ++used) {
      const epoll_event& event = ready[static_cast<std::size_t>(i)];
      events_[used] = {static_cast<Source>(event.data.u64 >> 32), event.events,
                       static_cast<std::uint32_t>(event.data.u64)};
    }
    return std::span(events_).first(used);
  }

 private:
  static constexpr int max_events = 32;

  explicit EventLoop(UniqueFd epoll) : epoll_(std::move(epoll)) {}

  [[nodiscard]] Result<void> control(int operation, int fd, Source source, std::uint32_t events, std::uint32_t number) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = static_cast<std::uint64_t>(source) << 32 | number;
    if (epoll_ctl(epoll_.get(), operation, fd, &event) < 0)
      return fail("watch descriptor " + std::to_string(fd), errno);
    return {};
  }

  UniqueFd epoll_;
  std::array<Event, max_events> events_{};
};

}  // namespace wg4
