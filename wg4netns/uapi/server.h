#pragma once
// The server of a control socket, with many clients, none of which can block another, or the tunnel. The tunnel's loop
// watches one descriptor, an epoll instance of the server's clients. In each turn of the loop the server does a bounded
// amount of work, about half a millisecond; the rest is reported again in the next turn.
//
// When there are too many clients, the one that was idle longest is dropped; so is one that does not read its answer.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/clock.h"
#include "shared/sys/event_loop.h"
#include "wg4netns/core/time.h"
#include "wg4netns/uapi/codec.h"
#include "wg4netns/uapi/connection.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4::uapi {

class Server {
 public:
  static constexpr std::size_t max_clients = 256;
  static constexpr std::chrono::seconds patience{5};  // for a client that does not read

  /// `target` must outlive this.
  [[nodiscard]] static Result<Server> create(ControlSocket socket, Target& target, ScopeOfName scopes);

  /// Readable when turn() has something to do.
  [[nodiscard]] int fd() const { return loop_.fd(); }
  void turn(Instant now);

  [[nodiscard]] const ControlSocket& socket() const { return socket_; }
  [[nodiscard]] std::size_t clients() const;

 private:
  enum class Source : std::uint32_t { listener, client, timer };
  using Loop = EventLoop<Source>;

  struct Client {
    UniqueFd fd;
    Connection connection;
    Instant active;            ///< when it last sent or read something
    std::uint32_t events = 0;  ///< the events that are watched
    [[nodiscard]] bool must_read() const { return !connection.output().empty(); }
  };

  Server(ControlSocket socket, Loop loop, BootTimer timer, Target& target, ScopeOfName scopes)
      : socket_(std::move(socket)),
        loop_(std::move(loop)),
        timer_(std::move(timer)),
        target_(&target),
        scopes_(scopes) {}

  void accept_clients(Instant now);
  [[nodiscard]] std::size_t most_silent() const;
  /// Returns roughly how many bytes were processed.
  std::size_t serve(std::size_t place, Instant now);
  [[nodiscard]] static std::optional<std::size_t> read_from(Client& client);
  [[nodiscard]] static std::optional<std::size_t> write_to(Client& client);
  void watch(std::size_t place);
  void drop(std::size_t place) { clients_[place].reset(); }
  void drop_who_does_not_read(Instant now);

  ControlSocket socket_;
  Loop loop_;
  BootTimer timer_;
  Target* target_;
  ScopeOfName scopes_;
  std::array<std::unique_ptr<Client>, max_clients> clients_;
  std::size_t turns_ = 0;
};

}  // namespace wg4::uapi
