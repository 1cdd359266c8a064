#include "wg4netns/forward/stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "shared/sys/pipe.h"

namespace wg4::forward {
namespace {

constexpr int pipe_size = 1 << 18;  // bytes; all pipes together stay below a user's limit (pipe-user-pages-soft)
// Bounded, since other connections wait meanwhile.
constexpr std::size_t bytes_per_turn = std::size_t{1} << 20;
constexpr unsigned splice_flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

Wants wants_after_error(Wants otherwise) { return errno == EAGAIN || errno == EINTR ? otherwise : Wants::failure; }

}  // namespace

std::optional<Pipe> PipePool::take() {
  if (!idle_.empty()) {
    Pipe pipe = std::move(idle_.back());
    idle_.pop_back();
    return pipe;
  }
  if (made_ >= max_pipes_) return std::nullopt;
  auto lease = budget_.take(2);
  if (!lease) return std::nullopt;
  auto ends = make_pipe(O_NONBLOCK);
  if (!ends) return std::nullopt;
  Pipe pipe{std::move(*lease), std::move(ends->writer), std::move(ends->reader)};
  fcntl(pipe.in.get(), F_SETPIPE_SZ, pipe_size);  // refused when the user has many large pipes: a small one will do
  ++made_;
  return pipe;
}

void PipePool::give(Pipe pipe) {
  if (idle_.size() < max_idle)
    idle_.push_back(std::move(pipe));
  else
    forget();
}

PipePool::CopyRoom& PipePool::copy_room() {
  if (!copy_room_) copy_room_ = std::make_unique_for_overwrite<CopyRoom>();
  return *copy_room_;
}

namespace {

/// Result of moving data without a pipe: as much as `to` takes now.
struct Copied {
  std::size_t bytes = 0;
  Wants wants = Wants::turn;
};

Copied copy_some(int from, int to, PipePool::CopyRoom& room) {
  const ssize_t seen = recv(from, room.data(), room.size(), MSG_PEEK | MSG_DONTWAIT);
  if (seen == 0) return {0, Wants::nothing};
  if (seen < 0) return {0, wants_after_error(Wants::input)};
  const ssize_t sent = send(to, room.data(), static_cast<std::size_t>(seen), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return {0, wants_after_error(Wants::output)};
  // On TCP, MSG_TRUNC discards data without copying it.
  if (recv(from, nullptr, static_cast<std::size_t>(sent), MSG_TRUNC | MSG_DONTWAIT) != sent) return {0, Wants::failure};
  return {static_cast<std::size_t>(sent), Wants::turn};
}

}  // namespace

Wants Stream::pump(int from, int to, PipePool& pipes) {
  for (std::size_t moved = 0; moved < bytes_per_turn;) {
    if (in_pipe_ > 0) {
      const ssize_t sent = splice(pipe_->out.get(), nullptr, to, nullptr, in_pipe_, splice_flags);
      if (sent <= 0) return wants_after_error(Wants::output);
      in_pipe_ -= static_cast<std::size_t>(sent);
      moved += static_cast<std::size_t>(sent);
      continue;
    }
    if (!pipe_) pipe_ = pipes.take();
    Wants wants = Wants::turn;
    if (pipe_) {
      const ssize_t taken = splice(from, nullptr, pipe_->in.get(), nullptr, pipe_size, splice_flags);
      if (taken > 0) in_pipe_ = static_cast<std::size_t>(taken);
      if (taken == 0) wants = Wants::nothing;
      if (taken < 0) wants = wants_after_error(Wants::input);
    } else {
      const Copied copied = copy_some(from, to, pipes.copy_room());
      moved += copied.bytes;
      wants = copied.wants;
    }
    if (wants == Wants::turn) continue;
    if (pipe_) pipes.give(*std::exchange(pipe_, std::nullopt));
    if (wants == Wants::nothing) shutdown(to, SHUT_WR);
    return wants;
  }
  return Wants::turn;
}

void Stream::abandon(PipePool& pipes) {
  if (!pipe_) return;
  pipe_.reset();
  pipes.forget();
}

}  // namespace wg4::forward
