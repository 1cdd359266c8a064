#pragma once
// The server of the API socket: one request and one reply per connection. No client can block another: the server waits
// for none, gives each a few seconds, and drops the oldest when there are too many.

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

/// A file at `path` is unlinked first, as by slirp4netns.
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

  /// To be called for an event of the loop.
  void listener_ready(Time now);
  void client_ready(std::uint32_t slot);

  /// To be called at the end of each turn. Returns when it has to be called next even without an event; nothing if only
  /// events matter.
  [[nodiscard]] std::optional<Time> end_turn(Time now);

 private:
  struct Client {
    UniqueFd fd;
    Time deadline{};
    std::string reply;  // the part that is not sent yet; empty until the request has come
    std::list<std::uint32_t>::iterator place{};
  };

  [[nodiscard]] bool read_request(Client& client);
  void drop(std::uint32_t slot);

  Loop& loop_;
  UniqueFd socket_;
  Answer answer_;
  Slots<Client> clients_;
  std::list<std::uint32_t> order_;  // oldest first, which is also the order of the deadlines
};

}  // namespace wg4::forward
