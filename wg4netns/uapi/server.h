#pragma once
// The server of a control socket: many clients, none of which can hold up another, or the tunnel. It is part of the
// tunnel's loop by one descriptor, behind which it watches its clients itself, and does a bounded amount of work in
// each of the loop's turns, about half a millisecond: the rest is told again.
//
// When there are too many clients the one that was silent for longest goes; so does one that does not read its answer.

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
#include "wg4netns/uapi/control_socket.h"
#include "wg4netns/uapi/session.h"

namespace wg4::uapi {

class Server {
 public:
  static constexpr std::size_t max_clients = 256;
  static constexpr std::chrono::seconds patience{5};  // with a client that does not read

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
    Session session;
    Instant active;            ///< when it last sent or read something
    std::uint32_t events = 0;  ///< that are watched
    [[nodiscard]] bool must_read() const { return !session.output().empty(); }
  };

  Server(ControlSocket socket, Loop loop, BootTimer timer, Target& target, ScopeOfName scopes)
      : socket_(std::move(socket)),
        loop_(std::move(loop)),
        timer_(std::move(timer)),
        target_(&target),
        scopes_(scopes) {}

  void accept_clients(Instant now);
  [[nodiscard]] std::size_t most_silent() const;
  /// Returns about how many bytes were worked on.
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
