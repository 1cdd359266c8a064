#pragma once
// A server for clients that scrape metrics, as a part of another event loop. No client can block the server or the
// loop: it waits for none, gives each a few seconds, moves a bounded number of bytes per turn, and drops the oldest
// client when there are too many.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/event_loop.h"
#include "wg4netns/metrics/http_request.h"
#include "wg4netns/metrics/metrics_socket.h"

namespace wg4::metrics {

class MetricsServer {
 public:
  using Time = std::chrono::nanoseconds;
  using Render = std::function<std::string()>;

  /// `render` makes a new text; it is called at most ten times a second, however many clients ask.
  [[nodiscard]] static Result<MetricsServer> create(MetricsSocket socket, Render render);

  /// Readable when turn() has something to do.
  [[nodiscard]] int fd() const { return loop_.fd(); }
  void turn(Time now);
  /// When to call turn() even if fd() is not readable; nothing if only fd() matters.
  [[nodiscard]] std::optional<Time> next_deadline() const;

  static constexpr std::size_t max_clients = 16;

 private:
  enum class Source : std::uint8_t { listener, client };
  using Loop = EventLoop<Source>;
  using Text = std::shared_ptr<const std::string>;

  struct Client {
    [[nodiscard]] bool is_answered() const { return body != nullptr; }
    [[nodiscard]] bool is_done() const { return is_answered() && sent == head.size() + body->size(); }

    UniqueFd fd;  // invalid: the slot is free
    Time deadline{};
    std::string received;
    std::string head;  // of the response
    Text body;         // null until there is a response
    std::size_t sent = 0;
  };

  MetricsServer(MetricsSocket socket, Render render, Loop loop)
      : socket_(std::move(socket)), render_(std::move(render)), loop_(std::move(loop)) {}

  void accept(Time now);
  [[nodiscard]] std::size_t free_place();
  void advance(std::size_t place, Time now);
  [[nodiscard]] bool receive(Client& client);
  void respond(Client& client, Verdict verdict, Time now);
  [[nodiscard]] bool send(Client& client, std::size_t place);
  [[nodiscard]] Text current_text(Time now);

  MetricsSocket socket_;
  Render render_;
  Loop loop_;
  std::array<Client, max_clients> clients_;
  std::optional<Time> accepts_again_;  // set when descriptors have run out
  Text text_;
  Time rendered_at_{};
};

}  // namespace wg4::metrics
