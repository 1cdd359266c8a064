#include "wg4netns/forward/tcp_relay.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/protocol.h"
#include "shared/sys/log.h"
#include "shared/sys/sockaddr.h"

namespace wg4::forward {
namespace {

constexpr int accepts_per_turn = 64;
constexpr int moves_per_turn = 64;
constexpr std::chrono::milliseconds pause_time{50};
constexpr std::size_t descriptors_per_connection = 2;
constexpr std::uint32_t socket_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

/// How many pipes streams may use; more streams have to copy.
std::size_t pipes_within(const FdBudget& budget) { return std::clamp<std::size_t>(budget.limit() / 40, 4, 256); }

void prepare(int fd) {
  const int on = 1;
  // Forward data at once.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Otherwise the connection of a client that has vanished would stay for ever.
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

void reset_on_close(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

IpAddress local_address(int fd) {
  SocketAddress address(Endpoint{});
  address.length = sizeof address.storage;
  getsockname(fd, address.get(), &address.length);
  return to_endpoint(address.storage).address;
}

bool is_lack_of_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

TcpRelay::TcpRelay(Loop& loop, FdBudget& budget) : loop_(loop), budget_(budget), pipes_(budget, pipes_within(budget)) {}

Result<void> TcpRelay::open(RuleId id, UniqueFd listener, Dialer& dialer, Target target) {
  auto lease = budget_.take(1);
  if (!lease) return fail("forward one more port", EMFILE, "Raise the limit on open files (ulimit -n)");
  TRY(loop_.watch(listener.get(), make_token(Kind::tcp_listener, id), paused_until_ ? 0U : std::uint32_t{EPOLLIN}));
  listeners_.emplace(id, Listener{std::move(*lease), std::move(listener), &dialer, std::move(target)});
  return {};
}

void TcpRelay::listener_ready(RuleId id, Time now) {
  const auto listener = listeners_.find(id);
  if (listener == listeners_.end()) return;
  errno = 0;
  for (int i = 0; i < accepts_per_turn; ++i)
    if (!accept_one(listener->second)) break;
  if (is_lack_of_resources(errno)) pause(now);
}

/// False, with errno, when there is no connection to accept.
bool TcpRelay::accept_one(const Listener& listener) {
  auto lease = budget_.take(descriptors_per_connection);
  if (!lease) {
    errno = EMFILE;
    return false;
  }
  UniqueFd fd(accept4(listener.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd.valid()) return errno == ECONNABORTED || errno == EINTR;
  const auto target = listener.target(local_address(fd.get()));
  if (target) {
    prepare(fd.get());
    const std::uint32_t slot = connections_.put({std::move(*lease), {std::move(fd), UniqueFd()}, {}});
    listener.dialer->dial(Protocol::tcp, *target, make_token(Kind::tcp_client, slot));
  } else {
    reset_on_close(fd.get());
  }
  errno = 0;
  return true;
}

void TcpRelay::dialed(std::uint32_t slot, Dialer::Answer answer) {
  Connection* connection = connections_.find(slot);
  if (connection == nullptr) return;
  if (answer.error == 0) {
    prepare(answer.socket.get());
    connection->sockets[guest] = std::move(answer.socket);
    // Both are watched only now: before, there was no place for the client's data.
    if (loop_.watch(connection->sockets[client].get(), make_token(Kind::tcp_client, slot), socket_events) &&
        loop_.watch(connection->sockets[guest].get(), make_token(Kind::tcp_guest, slot), socket_events))
      return;
  }
  end(slot, *connection);
}

void TcpRelay::socket_ready(std::uint32_t slot, std::uint32_t events, Side side) {
  Connection* connection = connections_.find(slot);
  if (connection == nullptr) return;
  Wants& from_here = connection->wants[side];
  Wants& to_here = connection->wants[side == client ? guest : client];
  // If a socket breaks while nothing is to be read from it, no later read would find that out.
  if ((events & EPOLLERR) != 0 && (from_here == Wants::output || from_here == Wants::nothing)) {
    end(slot, *connection);
    return;
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 && from_here == Wants::input)
    from_here = Wants::turn;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0 && to_here == Wants::output) to_here = Wants::turn;
  if (from_here == Wants::turn || to_here == Wants::turn) queue(slot, *connection);
}

void TcpRelay::queue(std::uint32_t slot, Connection& connection) {
  if (std::exchange(connection.queued, true)) return;
  ready_.push_back(slot);
}

bool TcpRelay::work() {
  for (int i = 0; i < moves_per_turn && !ready_.empty(); ++i) {
    const std::uint32_t slot = ready_.front();
    ready_.pop_front();
    Connection* connection = connections_.find(slot);
    if (connection == nullptr || !connection->queued) continue;
    connection->queued = false;
    move(slot, *connection);
  }
  return !ready_.empty();
}

void TcpRelay::move(std::uint32_t slot, Connection& connection) {
  const auto& sockets = connection.sockets;
  auto& wants = connection.wants;
  for (const Side from : {client, guest}) {
    const Side to = from == client ? guest : client;
    if (wants[from] == Wants::turn)
      wants[from] = connection.streams[from].pump(sockets[from].get(), sockets[to].get(), pipes_);
    // The kernel tells an error once: to the other stream the broken socket would look as if it had ended well.
    if (wants[from] == Wants::failure) return end(slot, connection);
  }
  const bool all_said = std::ranges::all_of(wants, [](Wants each) { return each == Wants::nothing; });
  if (all_said)
    end(slot, connection);
  else if (std::ranges::find(wants, Wants::turn) != wants.end())
    queue(slot, connection);
}

void TcpRelay::end(std::uint32_t slot, Connection& connection) {
  for (const Side from : {client, guest}) {
    const Side to = from == client ? guest : client;
    if (connection.wants[from] != Wants::nothing && connection.sockets[to].valid())
      reset_on_close(connection.sockets[to].get());
    connection.streams[from].abandon(pipes_);
  }
  connections_.drop(slot);
}

void TcpRelay::pause(Time now) {
  if (!std::exchange(told_of_pause_, true))
    log::warning("forwarded ports: no more than {} connections fit the limit on open files; more have to wait",
                 connections_.size());
  if (!paused_until_) watch_listeners(0);
  paused_until_ = now + pause_time;
}

void TcpRelay::watch_listeners(std::uint32_t events) {
  for (const auto& [id, listener] : listeners_)
    if (!loop_.change(listener.fd.get(), make_token(Kind::tcp_listener, id), events))
      log::error("forwarded ports: rule {} cannot be watched", id);
}

std::optional<TcpRelay::Time> TcpRelay::end_turn(Time now) {
  connections_.recycle();
  if (paused_until_ && now >= *paused_until_) {
    paused_until_.reset();
    watch_listeners(EPOLLIN);
  }
  return paused_until_;
}

}  // namespace wg4::forward
