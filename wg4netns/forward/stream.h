#pragma once
// One direction of a TCP connection: from one socket to another, through the kernel alone.
//
// splice(2) moves pages from a socket to a pipe and on to the other socket, without a copy. A stream has a pipe only
// while data is in flight, so thousands of idle connections need none. When all pipes are held by streams with slow
// receivers, data is copied instead: read with MSG_PEEK, sent, and discarded as far as it was sent. Either way, data
// that the receiver does not take stays at the sender, which gives back-pressure.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "shared/base/unique_fd.h"
#include "wg4netns/forward/fd_budget.h"

namespace wg4::forward {

struct Pipe {
  FdBudget::Lease lease;
  UniqueFd in;
  UniqueFd out;
};

/// Pipes for all streams, and a buffer for streams without one.
class PipePool {
 public:
  PipePool(FdBudget& budget, std::size_t max_pipes) : budget_(budget), max_pipes_(max_pipes) {}

  /// An empty pipe; nothing if too many are in use.
  [[nodiscard]] std::optional<Pipe> take();
  /// Takes back an empty pipe. One with data must be destroyed instead, and reported by forget().
  void give(Pipe pipe);
  void forget() { --made_; }

  using CopyRoom = std::array<std::uint8_t, 65536>;
  [[nodiscard]] CopyRoom& copy_room();

 private:
  static constexpr std::size_t max_idle = 16;

  FdBudget& budget_;
  std::size_t max_pipes_;
  std::size_t made_ = 0;
  std::vector<Pipe> idle_;
  std::unique_ptr<CopyRoom> copy_room_;
};

/// What a stream waits for.
enum class Wants : std::uint8_t {
  turn,     ///< there may be more to move at once
  input,    ///< that `from` becomes readable
  output,   ///< that `to` becomes writable
  nothing,  ///< it has ended, and has told `to` so
  failure,  ///< one of its sockets is broken
};

class Stream {
 public:
  Stream() = default;
  Stream(Stream&&) = default;
  Stream& operator=(Stream&&) = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() = default;

  /// Moves a bounded number of bytes. When `from` ends, the sending half of `to` is shut down. SIGPIPE must be ignored:
  /// splice(2) has no flag against it.
  [[nodiscard]] Wants pump(int from, int to, PipePool& pipes);
  /// To be called before a stream that has not ended is destroyed.
  void abandon(PipePool& pipes);

 private:
  std::optional<Pipe> pipe_;
  std::size_t in_pipe_ = 0;  // bytes
};

}  // namespace wg4::forward
