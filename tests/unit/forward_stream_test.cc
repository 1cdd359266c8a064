#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "wg4netns/forward/fd_budget.h"
#include "wg4netns/forward/stream.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "shared/sys/sockaddr.h"

namespace wg4::forward {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// Two ends of a TCP connection over loopback, non-blocking.
struct TcpPair {
  UniqueFd near;
  UniqueFd far;

  TcpPair() {
    const UniqueFd listener(socket(AF_INET, SOCK_STREAM, 0));
    SocketAddress address(*Endpoint::parse("127.0.0.1:0"));
    if (!listener.valid()) std::abort();
    REQUIRE(bind(listener.get(), address.get(), address.length) == 0);
    REQUIRE(listen(listener.get(), 1) == 0);
    REQUIRE(getsockname(listener.get(), address.get(), &address.length) == 0);
    near.reset(socket(AF_INET, SOCK_STREAM, 0));
    if (!near.valid()) std::abort();
    REQUIRE(connect(near.get(), address.get(), address.length) == 0);
    far.reset(accept(listener.get(), nullptr, nullptr));
    REQUIRE(far.valid());
    for (const UniqueFd* end : {&near, &far}) REQUIRE(fcntl(end->get(), F_SETFL, O_NONBLOCK) == 0);
  }
};

/// The bytes that can be read now.
Bytes read_some(int fd) {
  Bytes bytes(1 << 20);
  const ssize_t size = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
  bytes.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return bytes;
}

/// Sends `size` bytes through a stream while the far end reads at its own pace, and checks what arrives.
void check_transfer(PipePool& pipes, std::size_t size) {
  const TcpPair source;
  const TcpPair target;
  Bytes data(size);
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::uint8_t>(i * 2654435761U >> 13);
  Stream stream;
  Bytes arrived;
  std::size_t sent = 0;
  Wants wants = Wants::turn;
  bool was_blocked = false;
  while (wants != Wants::nothing) {
    const ssize_t some = send(source.near.get(), data.data() + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (some > 0) sent += static_cast<std::size_t>(some);
    if (sent == size) shutdown(source.near.get(), SHUT_WR);
    wants = stream.pump(source.far.get(), target.near.get(), pipes);
    REQUIRE(wants != Wants::failure);
    was_blocked = was_blocked || wants == Wants::output;
    // The reader is slow until the stream has been stopped once.
    if (was_blocked || sent == size) {
      const Bytes part = read_some(target.far.get());
      arrived.insert(arrived.end(), part.begin(), part.end());
    }
  }
  CHECK(was_blocked == (size > (std::size_t{8} << 20)));
  for (Bytes part = read_some(target.far.get()); !part.empty(); part = read_some(target.far.get()))
    arrived.insert(arrived.end(), part.begin(), part.end());
  CHECK(arrived == data);
  CHECK(recv(target.far.get(), data.data(), 1, MSG_DONTWAIT) == 0);                // the end was passed on
  CHECK(stream.pump(target.near.get(), source.far.get(), pipes) == Wants::input);  // and the other half is open
}

TEST_CASE("all bytes arrive, with and without pipes, however slow the reader") {
  for (const std::size_t max_pipes : {std::size_t{8}, std::size_t{0}}) {
    CAPTURE(max_pipes);
    FdBudget budget(100);
    PipePool pipes(budget, max_pipes);
    for (const std::size_t size : {0UL, 1UL, 100'000UL, 40'000'000UL}) {
      CAPTURE(size);
      check_transfer(pipes, size);
    }
  }
}

TEST_CASE("a pipe is held only while data is stuck in it") {
  FdBudget budget(100);
  PipePool pipes(budget, 1);
  const TcpPair source;
  const TcpPair target;
  Stream stream;
  CHECK(stream.pump(source.far.get(), target.near.get(), pipes) == Wants::input);
  auto only = pipes.take();
  REQUIRE(only.has_value());
  CHECK_FALSE(pipes.take().has_value());
  pipes.give(std::move(*only));

  const Bytes much(1 << 20);
  Wants wants = Wants::input;
  while (wants != Wants::output) {
    static_cast<void>(send(source.near.get(), much.data(), much.size(), MSG_DONTWAIT));
    wants = stream.pump(source.far.get(), target.near.get(), pipes);
  }
  CHECK_FALSE(pipes.take().has_value());
  stream.abandon(pipes);
  CHECK(pipes.take().has_value());
}

TEST_CASE("no more pipes than the budget has descriptors for") {
  FdBudget budget(3);
  PipePool pipes(budget, 8);
  const auto first = pipes.take();
  CHECK(first.has_value());
  CHECK_FALSE(pipes.take().has_value());
}

TEST_CASE("a broken socket is a failure, on either side") {
  std::signal(SIGPIPE, SIG_IGN);
  FdBudget budget(100);
  for (const std::size_t max_pipes : {std::size_t{8}, std::size_t{0}}) {
    PipePool pipes(budget, max_pipes);
    TcpPair source;
    TcpPair target;
    const linger at_once{1, 0};
    Stream stream;
    REQUIRE(send(source.near.get(), "x", 1, 0) == 1);
    setsockopt(target.far.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    target.far.reset();
    CHECK(stream.pump(source.far.get(), target.near.get(), pipes) == Wants::failure);
    stream.abandon(pipes);

    const TcpPair other;
    Stream reading;
    setsockopt(source.near.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    source.near.reset();
    Wants wants = Wants::turn;
    while (wants == Wants::turn) wants = reading.pump(source.far.get(), other.near.get(), pipes);
    CHECK(wants == Wants::failure);
  }
}

}  // namespace
}  // namespace wg4::forward
