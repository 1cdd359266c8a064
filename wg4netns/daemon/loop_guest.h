#pragma once

#include <optional>

#include "wg4netns/core/time.h"

namespace wg4 {

/// What lives in the first thread's loop beside the tunnel, and must not hold it up: a turn of it waits for nothing
/// and does a bounded piece of work.
class LoopGuest {
 public:
  LoopGuest() = default;
  LoopGuest(const LoopGuest&) = delete;
  LoopGuest& operator=(const LoopGuest&) = delete;
  virtual ~LoopGuest() = default;

  /// Readable when turn() has something to do. It may be an epoll descriptor of the guest's own.
  [[nodiscard]] virtual int fd() const = 0;
  /// After each event of fd(), and when next_deadline() has come.
  virtual void turn(Now now) = 0;
  [[nodiscard]] virtual std::optional<Instant> next_deadline() const = 0;
};

}  // namespace wg4
