#include "wg4netns/forward/forward_loop.h"
#include "shared/base/bytes.h"
#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/net/protocol.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "shared/handoff/handoff.h"
#include "shared/sys/deadline.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/log.h"
#include "shared/sys/sockaddr.h"
#include "shared/wire/message_socket.h"
#include "tests/support/machine.h"

// The loop with an agent that is a thread of the test and connects on this host. tests/netns covers namespaces; this
// covers limits and timeouts, which are small here.

namespace wg4::forward {
namespace {

constexpr std::chrono::milliseconds patience{30'000};

/// Answers as the real agent does, and counts.
class FakeAgent {
 public:
  explicit FakeAgent(UniqueFd socket) : socket_(std::move(socket)), thread_([this] { run(); }) {}
  FakeAgent(const FakeAgent&) = delete;
  FakeAgent& operator=(const FakeAgent&) = delete;
  ~FakeAgent() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
  }
  [[nodiscard]] int dialed() const { return dialed_; }
  /// From now on it waits until `size` sockets were requested, and then connects all of them.
  void dial_in_groups(std::size_t size) { group_ = size; }

 private:
  void run() {
    std::vector<handoff::Dial> asked;
    for (;;) {
      const auto received = wire::receive<handoff::Dial>(socket_.get());
      if (!received || !*received) return;
      asked.push_back((*received)->message);
      if (asked.size() < group_) continue;
      for (const handoff::Dial& each : std::exchange(asked, {}))
        if (!dial(each)) return;
    }
  }
  bool dial(const handoff::Dial& wanted) {
    const int type = wanted.protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM;
    const UniqueFd fd(socket(AF_INET, type | SOCK_NONBLOCK, 0));
    SocketAddress target(Endpoint{wanted.address, wanted.port});
    // A refused connection shows at the socket, as with the real agent.
    const bool failed = !fd.valid() || (connect(fd.get(), target.get(), target.length) != 0 && errno != EINPROGRESS);
    if (failed) return false;
    ++dialed_;
    return wire::send(socket_.get(), handoff::Dialed{0}, std::span(&fd, 1)).has_value();
  }

  UniqueFd socket_;
  std::atomic<int> dialed_ = 0;
  std::atomic<std::size_t> group_ = 1;
  std::thread thread_;
};

/// A UDP socket on 127.0.0.1 with a known port.
struct UdpSocketOnHost {
  UniqueFd fd{socket(AF_INET, SOCK_DGRAM, 0)};
  Endpoint address;

  UdpSocketOnHost() {
    SocketAddress any(*Endpoint::parse("127.0.0.1:0"));
    REQUIRE(bind(fd.get(), any.get(), any.length) == 0);
    REQUIRE(getsockname(fd.get(), any.get(), &any.length) == 0);
    address = to_endpoint(any.storage);
  }
  void send_to(const Endpoint& to, const std::string& text = "x") const {
    SocketAddress target(to);
    REQUIRE(sendto(fd.get(), text.data(), text.size(), 0, target.get(), target.length) ==
            static_cast<ssize_t>(text.size()));
  }
  /// The sender of the next datagram; a failure if none comes in time.
  [[nodiscard]] Endpoint receive() const {
    SocketAddress from(address);
    REQUIRE(receive_size(&from) == 1);
    return to_endpoint(from.storage);
  }
  /// The size of the next datagram.
  [[nodiscard]] std::size_t receive_size(SocketAddress* from = nullptr) const {
    REQUIRE(wait_until(fd.get(), POLLIN, deadline_in(patience)).value());
    std::array<char, 10> text;
    SocketAddress sender(address);
    if (from == nullptr) from = &sender;
    const ssize_t size = recvfrom(fd.get(), text.data(), text.size(), MSG_TRUNC, from->get(), &from->length);
    REQUIRE(size >= 0);
    return static_cast<std::size_t>(size);
  }
};

Endpoint free_port() { return UdpSocketOnHost().address; }

/// Runs the loop on a thread, from its start to its end.
class Running {
 public:
  explicit Running(const Settings& settings) : Running(settings, make_message_sockets().value()) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  FakeAgent& agent() { return agent_; }

 private:
  Running(const Settings& settings, SocketPair sockets) : agent_(std::move(sockets.theirs)) {
    REQUIRE(fcntl(sockets.ours.get(), F_SETFL, O_NONBLOCK) == 0);
    loop_ = ForwardLoop::create(settings, {.agent = std::move(sockets.ours)}, stop_.get()).value();
    thread_ = std::thread([this] { loop_->run(); });
  }

  UniqueFd stop_{eventfd(0, EFD_NONBLOCK)};
  FakeAgent agent_;
  std::unique_ptr<ForwardLoop> loop_;
  std::thread thread_;
};

using Clock = std::chrono::steady_clock;

TEST_CASE("a UDP flow is kept while it is used, and is a new one after the idle timeout") {
  constexpr std::chrono::milliseconds idle{600};
  const UdpSocketOnHost service;
  const Endpoint port = free_port();
  Settings settings;
  settings.published = {{Protocol::udp, port, service.address}};
  settings.udp.idle = idle;
  Running running(settings);

  const UdpSocketOnHost client;
  // For longer than `idle` in all, with an answer now and then. Nothing if a busy machine let the flow be idle for that
  // long.
  const auto use_it = [&] {
    client.send_to(port);
    const Endpoint first = service.receive();
    for (int i = 0; i < 6; ++i) {
      const auto last = Clock::now();
      std::this_thread::sleep_for(idle / 3);
      if (Clock::now() - last > idle * 3 / 4) return false;
      if (i % 2 == 0) {
        service.send_to(first);
        CHECK(client.receive() == port);
      } else {
        client.send_to(port);
        CHECK(service.receive() == first);
      }
    }
    return true;
  };
  const auto flows_of_a_use = [&] {
    const int before = running.agent().dialed();
    const bool in_time = use_it();
    return in_time ? running.agent().dialed() - before : -1;
  };
  int flows = flows_of_a_use();
  for (int i = 0; i < 20 && flows < 0; ++i) flows = flows_of_a_use();
  if (flows < 0)
    say_skipped("a flow that is used: this machine is too busy to use one");
  else
    CHECK(flows <= 1);  // none if the flow of the last attempt goes on

  // The loop may be late, too: in the end the flow has gone.
  const int before = running.agent().dialed();
  for (int i = 0; i < 20 && running.agent().dialed() == before; ++i) {
    std::this_thread::sleep_for(2 * idle);
    client.send_to(port);
    static_cast<void>(service.receive());
  }
  CHECK(running.agent().dialed() == before + 1);
}

TEST_CASE("when there are too many UDP flows, the one that was idle longest ends") {
  const UdpSocketOnHost service;
  const Endpoint port = free_port();
  Settings settings;
  settings.published = {{Protocol::udp, port, service.address}};
  settings.udp.flows = 2;
  Running running(settings);

  const std::array<UdpSocketOnHost, 3> clients;
  const auto ask = [&](const UdpSocketOnHost& client) {
    client.send_to(port);
    return service.receive();
  };
  const Endpoint first = ask(clients[0]);
  const Endpoint second = ask(clients[1]);
  CHECK(ask(clients[0]) == first);
  static_cast<void>(ask(clients[2]));  // in the place of the second
  CHECK(running.agent().dialed() == 3);
  CHECK(ask(clients[0]) == first);
  CHECK(ask(clients[1]) != second);
  CHECK(running.agent().dialed() == 4);
}

TEST_CASE("datagrams that wait for the agent take no more memory than they may, and give it back") {
  const UdpSocketOnHost service;
  const Endpoint port = free_port();
  Settings settings;
  settings.published = {{Protocol::udp, port, service.address}};
  settings.udp.staged_bytes = 10'000;
  Running running(settings);
  const std::string large(4000, 'x');
  for (int round = 0; round < 2; ++round) {
    const std::array<UdpSocketOnHost, 5> clients;
    running.agent().dial_in_groups(clients.size());
    for (const UdpSocketOnHost& client : clients) client.send_to(port, large);
    for (const UdpSocketOnHost& client : clients) client.send_to(port);  // is queued behind
    std::size_t large_ones = 0;
    for (std::size_t small_ones = 0; small_ones < clients.size();)
      ++(service.receive_size() == 1 ? small_ones : large_ones);
    CHECK(large_ones == 2);
  }
}

TEST_CASE("the socket of a flow that ended before the agent answered is not used") {
  const std::array<UdpSocketOnHost, 2> services;
  const std::array<Endpoint, 2> ports{free_port(), free_port()};
  Settings settings;
  for (std::size_t i = 0; i < ports.size(); ++i)
    settings.published.push_back({Protocol::udp, ports[i], services[i].address});
  settings.udp.idle = std::chrono::milliseconds(200);
  Running running(settings);
  running.agent().dial_in_groups(2);

  const UdpSocketOnHost first;
  first.send_to(ports[0]);
  std::this_thread::sleep_for(std::chrono::milliseconds(600));  // longer than `idle`
  const UdpSocketOnHost second;
  second.send_to(ports[1], "xx");  // has the number of the first, for which the answer comes now
  CHECK(services[1].receive_size() == 2);
  CHECK_FALSE(wait_until(services[0].fd.get(), POLLIN, deadline_in(std::chrono::milliseconds(0))).value());
}

TEST_CASE("a loop without an agent closes its ports and goes on to its end") {
  log::set_level(log::Level::silent);
  const UdpSocketOnHost service;
  const Endpoint port = free_port();
  Settings settings;
  settings.published = {{Protocol::tcp, port, service.address}};
  Running running(settings);
  const auto listens = [&port] {
    const UniqueFd client(socket(AF_INET, SOCK_STREAM, 0));
    SocketAddress address(port);
    if (!client.valid()) return false;
    return connect(client.get(), address.get(), address.length) == 0;
  };
  CHECK(listens());
  running.agent().stop();
  const Deadline deadline = deadline_in(patience);
  while (listens() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK_FALSE(listens());
}

TEST_CASE("a port that is taken at the start is waited for, but not for ever") {
  const UdpSocketOnHost service;
  auto other = std::make_unique<UdpSocketOnHost>();
  Settings settings;
  settings.published = {{Protocol::udp, other->address, service.address}};
  const UniqueFd stop(eventfd(0, 0));
  auto sockets = make_message_sockets().value();
  const auto refused = ForwardLoop::create(settings, {.agent = std::move(sockets.ours)}, stop.get());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().number == EADDRINUSE);

  std::thread frees([&other] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    other.reset();
  });
  sockets = make_message_sockets().value();
  CHECK(ForwardLoop::create(settings, {.agent = std::move(sockets.ours)}, stop.get()).has_value());
  frees.join();
}

}  // namespace
}  // namespace wg4::forward
