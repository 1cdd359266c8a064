#include "wg4netns/daemon/live_captures.h"

#include <sodium/utils.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/version.h"
#include "shared/sys/deadline.h"
#include "shared/sys/log.h"
#include "wg4netns/capture/block_buffer.h"
#include "wg4netns/capture/key_log.h"
#include "wg4netns/core/time.h"

namespace wg4 {
namespace {

constexpr std::size_t capacity = 4UL * 1024 * 1024;   // bytes of each capture; twice that while some are being sent
constexpr std::size_t bytes_per_turn = 256UL * 1024;  // about what a connection has room for
constexpr Duration pause = 20ms;                      // between two looks for packets of other threads
constexpr Duration last_patience = 2s;                // with a client that has asked for the end
constexpr std::chrono::milliseconds parting_patience{500};  // with all of them, when the tunnel ends

/// A client that does not even read this has no capture.
bool answer(int client, int number) {
  const std::string text = "errno=" + std::to_string(number) + "\n\n";
  return send(client, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(text.size());
}

}  // namespace

LiveCaptures::Live::Live(UniqueFd connection, const capture::BlockBuffer::Names& names, std::uint16_t port)
    : client(std::move(connection)), recording(capacity, names, port) {}

LiveCaptures::Live::~Live() {
  if (recording.with_keys()) sodium_memzero(pending.data(), pending.size());
}

Result<std::unique_ptr<LiveCaptures>> LiveCaptures::create(capture::Taps& taps, SharedDevice& device,
                                                           std::string interface) {
  Loop loop = TRY(Loop::create());
  return std::unique_ptr<LiveCaptures>(new LiveCaptures(std::move(loop), taps, device, std::move(interface)));
}

LiveCaptures::~LiveCaptures() {
  const Deadline deadline = deadline_in(parting_patience);
  for (const auto& live : captures_) {
    if (!live->ends_at) stop_recording(*live);
    while (send_some(*live) && !live->pending.empty())
      if (const auto room = wait_until(live->client.get(), POLLOUT, deadline); !room || !*room) break;
  }
}

void LiveCaptures::begin(UniqueFd client, bool with_keys, std::uint16_t port) {
  if (captures_.size() >= max_captures) {
    static_cast<void>(answer(client.get(), EBUSY));
    return;
  }
  if (!add(client, with_keys, port)) {
    static_cast<void>(answer(client.get(), ENOMEM));
    return;
  }
  if (with_keys)
    log::warning("a capture has begun, with the private key and those of every session");
  else
    log::info("a capture has begun");
  next_turn_ = Instant::min();
}

/// Adds a capture. False, with the client still the caller's, if that fails.
bool LiveCaptures::add(UniqueFd& client, bool with_keys, std::uint16_t port) {
  const std::string application = "wireguard4netns " + std::string(version);
  const int fd = client.get();
  if (!loop_.watch(fd, Source::client, EPOLLIN)) return false;
  try {
    captures_.push_back(std::make_unique<Live>(
        std::move(client),
        capture::BlockBuffer::Names{.application = application, .interface = interface_, .with_keys = with_keys},
        port));
  } catch (const std::bad_alloc&) {
    loop_.forget(fd);
    return false;
  }
  Live& live = *captures_.back();
  if (!answer(fd, 0)) {
    captures_.pop_back();
    return true;
  }
  if (with_keys) {
    auto device = device_.hold();
    device->set_key_observer(&taps_);
    live.recording.keys(capture::KeyLogEntry(device->identity().private_key));
  }
  taps_.add(live.recording);
  return true;
}

void LiveCaptures::stop_recording(Live& live) {
  taps_.remove(live.recording);
  if (live.recording.with_keys() && !taps_.want_keys()) device_.hold()->set_key_observer(nullptr);
  live.recording.finish();
}

Result<AfterTurn> LiveCaptures::turn(Now now) {
  static_cast<void>(loop_.wait(0));  // takes the events, which epoll reports again as long as they last
  std::erase_if(captures_, [&](const std::unique_ptr<Live>& live) {
    if (serve(*live, now.boot)) return false;
    if (!live->ends_at) stop_recording(*live);
    log::info("a capture has ended: {} packets, {} of them lost", live->recording.counts().packets,
              live->recording.counts().dropped);
    return true;
  });
  next_turn_ = captures_.empty() ? std::nullopt : std::optional(now.boot + pause);
  return AfterTurn::go_on;
}

/// Does what is due for a capture. False when it is over.
bool LiveCaptures::serve(Live& live, Instant now) {
  const int fd = live.client.get();
  if (!live.ends_at && client_has_ended(live)) {
    stop_recording(live);
    live.ends_at = now + last_patience;
  }
  if (!send_some(live) || (live.ends_at && (live.pending.empty() || *live.ends_at <= now))) return false;
  // After the client's end EPOLLIN would be reported for ever.
  const std::uint32_t end = live.ends_at ? 0U : std::uint32_t{EPOLLIN};
  const std::uint32_t room = live.pending.empty() ? 0U : std::uint32_t{EPOLLOUT};
  return loop_.change(fd, Source::client, end | room).has_value();
}

/// Whatever else the client sends is ignored.
bool LiveCaptures::client_has_ended(const Live& live) {
  std::array<char, 256> words;
  const ssize_t got = recv(live.client.get(), words.data(), words.size(), MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/// Sends a bounded piece. False when the client has gone.
bool LiveCaptures::send_some(Live& live) {
  for (std::size_t left = bytes_per_turn; left > 0;) {
    if (live.pending.empty()) live.pending = live.recording.take();
    const ByteSpan piece = live.pending.first(std::min(left, live.pending.size()));
    if (piece.empty()) return true;
    const ssize_t sent = send(live.client.get(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    const auto size = static_cast<std::size_t>(sent);
    if (live.recording.with_keys()) sodium_memzero(piece.data(), size);
    live.pending = live.pending.subspan(size);
    left -= size;
  }
  return true;
}

}  // namespace wg4
