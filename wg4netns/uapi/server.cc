#include "wg4netns/uapi/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <string_view>
#include <utility>

#include "wg4netns/uapi/codec.h"

namespace wg4::uapi {
namespace {

constexpr int accepts_per_turn = 16;
constexpr std::size_t bytes_per_turn = 16UL * 1024;

}  // namespace

Result<Server> Server::create(ControlSocket socket, Target& target, ScopeOfName scopes) {
  Loop loop = TRY(Loop::create());
  BootTimer timer = TRY(BootTimer::create());
  TRY(loop.watch(socket.fd(), Source::listener));
  TRY(loop.watch(timer.fd(), Source::timer));
  return Server(std::move(socket), std::move(loop), std::move(timer), target, scopes);
}

std::size_t Server::clients() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(clients_, [](const auto& client) { return client != nullptr; }));
}

void Server::turn(Instant now) {
  const auto events = loop_.wait(0);
  std::size_t bytes = 0;
  // Events that are not handled now are reported again; the next turn begins with another client.
  const std::size_t first = turns_++;
  for (std::size_t i = 0; i < events.size() && bytes < bytes_per_turn; ++i) {
    const Loop::Event event = events[(first + i) % events.size()];
    switch (event.source) {
      case Source::listener:
        accept_clients(now);
        break;
      case Source::client:
        bytes += serve(event.number, now);
        break;
      case Source::timer:
        timer_.acknowledge();
        break;
    }
  }
  drop_who_does_not_read(now);
}

void Server::accept_clients(Instant now) {
  for (int i = 0; i < accepts_per_turn; ++i) {
    UniqueFd fd(accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.valid() && (errno == EMFILE || errno == ENFILE)) drop(most_silent());  // so that accept() has a descriptor
    if (!fd.valid()) return;
    const std::size_t place = most_silent();
    clients_[place] = std::make_unique<Client>(Client{std::move(fd), Connection(*target_, scopes_), now});
    watch(place);
  }
}

/// A free slot, or that of the client that was idle longest.
std::size_t Server::most_silent() const {
  const auto silent_since = [](const std::unique_ptr<Client>& client) {
    return client ? client->active : Instant::min();
  };
  return static_cast<std::size_t>(std::ranges::min_element(clients_, {}, silent_since) - clients_.begin());
}

std::size_t Server::serve(std::size_t place, Instant now) {
  const std::unique_ptr<Client>& client = clients_[place];
  if (!client) return 0;  // dropped in this turn
  std::size_t bytes = 0;
  // A request is often answered at once, and the client takes the answer at once.
  for (const auto step : {&Server::write_to, &Server::read_from, &Server::write_to}) {
    const auto moved = step(*client);
    if (!moved) {
      drop(place);
      return bytes;
    }
    if (*moved > 0) client->active = now;
    bytes += *moved;
  }
  if (const auto handover = client->connection.handover(); handover != Connection::Handover::none) {
    loop_.forget(client->fd.get());
    if (handover == Connection::Handover::tun)
      target_->give_tun(std::move(client->fd));
    else
      target_->begin_capture(std::move(client->fd), handover == Connection::Handover::capture_with_keys);
    drop(place);
  } else if (client->connection.done()) {
    drop(place);
  } else {
    watch(place);
  }
  return bytes;
}

/// The number of bytes; nothing if the connection is broken.
std::optional<std::size_t> Server::read_from(Client& client) {
  if (!client.connection.wants_input()) return 0;
  const auto room = client.connection.room();
  const ssize_t got = recv(client.fd.get(), room.data(), room.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (got <= 0) {
    client.connection.received_end();
    return got == 0 ? std::optional<std::size_t>(0) : std::nullopt;
  }
  client.connection.received(static_cast<std::size_t>(got));
  return static_cast<std::size_t>(got);
}

std::optional<std::size_t> Server::write_to(Client& client) {
  const std::string_view text = client.connection.output();
  if (text.empty()) return 0;
  const ssize_t sent = send(client.fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR ? std::optional<std::size_t>(0) : std::nullopt;
  client.connection.sent(static_cast<std::size_t>(sent));
  return static_cast<std::size_t>(sent);
}

void Server::watch(std::size_t place) {
  Client& client = *clients_[place];
  const std::uint32_t wanted = (client.connection.wants_input() ? std::uint32_t{EPOLLIN} : 0U) |
                               (client.must_read() ? std::uint32_t{EPOLLOUT} : 0U);
  if (wanted == client.events) return;
  const auto number = static_cast<std::uint32_t>(place);
  const bool watched = client.events == 0 ? loop_.watch(client.fd.get(), Source::client, wanted, number).has_value()
                                          : loop_.change(client.fd.get(), Source::client, wanted, number).has_value();
  client.events = wanted;
  if (!watched) drop(place);
}

void Server::drop_who_does_not_read(Instant now) {
  auto deadline = Instant::max();
  for (std::unique_ptr<Client>& client : clients_) {
    if (!client || !client->must_read()) continue;
    if (client->active + patience <= now) {
      client.reset();
    } else {
      deadline = std::min(deadline, client->active + patience);
    }
  }
  deadline == Instant::max() ? timer_.disarm() : timer_.arm(deadline.time_since_epoch());
}

}  // namespace wg4::uapi
