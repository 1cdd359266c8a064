#pragma once
// The API socket's server: one request and one reply per connection. No client can hold up another: none is waited for,
// each has a few seconds, and when too many hang around the one that came first goes.

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/unix_listener.h"
#include "wg4netns/forward/slots.h"
#include "wg4netns/forward/token.h"

namespace wg4::forward {

/// What was at `path` is unlinked, as slirp4netns does it.
[[nodiscard]] Result<UnixListener> listen_for_api(const std::string& path);

class ApiServer {
 public:
  using Time = std::chrono::nanoseconds;
  /// The reply to a request of at most max_request + 1 bytes.
  using Answer = std::function<std::string(std::string_view)>;

  /// `socket` listens.
  ApiServer(Loop& loop, UniqueFd socket, Answer answer)
      : loop_(loop), socket_(std::move(socket)), answer_(std::move(answer)) {}

  [[nodiscard]] Result<void> start();

  /// Events of the loop.
  void listener_ready(Time now);
  void client_ready(std::uint32_t slot);

  /// Ends a turn. When to call at the latest for the next one; nothing if only events matter.
  [[nodiscard]] std::optional<Time> end_turn(Time now);

 private:
  struct Client {
    UniqueFd fd;
    Time deadline{};
    std::string reply;  // what of it is not sent yet; empty until the request is there
    std::list<std::uint32_t>::iterator place{};
  };

  [[nodiscard]] bool read_request(Client& client);
  void drop(std::uint32_t slot);

  Loop& loop_;
  UniqueFd socket_;
  Answer answer_;
  Slots<Client> clients_;
  std::list<std::uint32_t> order_;  // oldest first, which is also the order of deadlines
};

}  // namespace wg4::forward
