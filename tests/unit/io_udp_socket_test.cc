// Pushed datagrams are sent in messages as long as the system allows, across calls of push(), and received byte for
// byte. Two sockets on the loopback address, real system calls.

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/output.h"
#include "wg4netns/io/udp_socket.h"

#include <poll.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "tests/support/machine.h"

using namespace wg4;

namespace {

constexpr std::size_t segment = 1452;
constexpr std::size_t max_datagrams = max_run_size / segment;  // datagrams of a message

UdpSocket open_on_loopback(bool segments = true) {
  const IpAddress loopback = IpAddress::parse("127.0.0.1").value();
  auto socket = UdpSocket::open({.segment = segments, .v4 = {.address = loopback, .device = {}}, .v6 = {}});
  REQUIRE(socket.has_value());
  return std::move(*socket);
}

SendRun run_to(const UdpSocket& receiver, std::size_t size, std::size_t segment_size = segment) {
  return {.path = {{IpAddress::parse("127.0.0.1").value(), receiver.port(), 0}, {}},
          .peer = 0,
          .tos = 0,
          .size = size,
          .segment_size = segment_size};
}

/// Pushes bytes whose values show their position.
void push_counted(UdpSocket& sender, const SendRun& run, std::uint32_t& next) {
  const ByteSpan room = sender.room(run.size);
  for (std::size_t at = 0; at < run.size; ++at) room[at] = static_cast<std::uint8_t>((next++ * 2654435761U) >> 24);
  sender.push(run);
}

/// Whether the kernel cuts messages into datagrams (UDP_SEGMENT) and gathers them again (UDP_GRO).
bool has_messages(const UdpSocket& socket) {
  if (socket.segments() && socket.gathers()) return true;
  say_skipped("this kernel has no messages of several datagrams");
  return false;
}

struct Received {
  std::vector<std::size_t> runs;  // bytes of each
  std::vector<std::uint8_t> bytes;
};

Received receive_all(UdpSocket& receiver, std::size_t expected) {
  Received received;
  pollfd ready{receiver.fd(Family::v4), POLLIN, 0};
  while (received.bytes.size() < expected && poll(&ready, 1, 30'000) == 1) {
    for (const DatagramRun& run : receiver.receive(Family::v4)) {
      received.runs.push_back(run.bytes.size());
      received.bytes.insert(received.bytes.end(), run.bytes.begin(), run.bytes.end());
    }
  }
  return received;
}

void check_counted(const std::vector<std::uint8_t>& bytes) {
  std::uint32_t next = 0;
  CHECK(std::ranges::all_of(
      bytes, [&](std::uint8_t byte) { return byte == static_cast<std::uint8_t>((next++ * 2654435761U) >> 24); }));
}

}  // namespace

TEST_CASE("datagrams of one kind share messages, also across calls of push()") {
  UdpSocket sender = open_on_loopback();
  if (!has_messages(sender)) return;
  UdpSocket receiver = open_on_loopback();
  std::uint32_t next = 0;
  // Two super-packets of 47 datagrams, each a little more than a message takes.
  for (int i = 0; i < 2; ++i) push_counted(sender, run_to(receiver, 47 * segment), next);
  sender.flush();
  const Received received = receive_all(receiver, next);
  check_counted(received.bytes);
  CHECK(received.runs ==
        std::vector<std::size_t>{max_datagrams * segment, max_datagrams * segment, (94 - 2 * max_datagrams) * segment});
}

TEST_CASE("a shorter datagram ends its message") {
  UdpSocket sender = open_on_loopback();
  if (!has_messages(sender)) return;
  UdpSocket receiver = open_on_loopback();
  std::uint32_t next = 0;
  push_counted(sender, run_to(receiver, 3 * segment), next);
  push_counted(sender, run_to(receiver, 100, 100), next);
  push_counted(sender, run_to(receiver, 2 * segment), next);
  sender.flush();
  const Received received = receive_all(receiver, next);
  check_counted(received.bytes);
  CHECK(received.runs == std::vector<std::size_t>{3 * segment + 100, 2 * segment});
}

TEST_CASE("another receiver has messages of its own") {
  UdpSocket sender = open_on_loopback();
  if (!has_messages(sender)) return;
  UdpSocket one = open_on_loopback();
  UdpSocket other = open_on_loopback();
  std::uint32_t next = 0;
  push_counted(sender, run_to(one, 2 * segment), next);
  push_counted(sender, run_to(other, 3 * segment), next);
  push_counted(sender, run_to(one, segment), next);
  sender.flush();
  CHECK(receive_all(one, 3 * segment).runs == std::vector<std::size_t>{2 * segment, segment});
  CHECK(receive_all(other, 3 * segment).runs == std::vector<std::size_t>{3 * segment});
}

TEST_CASE("without segmentation each datagram is sent by itself") {
  UdpSocket sender = open_on_loopback(false);
  UdpSocket receiver = open_on_loopback();
  std::uint32_t next = 0;
  push_counted(sender, run_to(receiver, 5 * segment + 7), next);
  sender.flush();
  const Received received = receive_all(receiver, next);
  check_counted(received.bytes);
  CHECK(std::ranges::all_of(received.runs, [](std::size_t size) { return size <= segment; }));
}

TEST_CASE("one datagram may be as long as UDP allows") {
  UdpSocket sender = open_on_loopback();
  UdpSocket receiver = open_on_loopback();
  std::uint32_t next = 0;
  push_counted(sender, run_to(receiver, max_datagram_size, max_datagram_size), next);
  push_counted(sender, run_to(receiver, max_datagram_size, max_datagram_size), next);
  sender.flush();
  const Received received = receive_all(receiver, next);
  check_counted(received.bytes);
  CHECK(received.runs == std::vector<std::size_t>{max_datagram_size, max_datagram_size});
}

TEST_CASE("a closed port is reported on request, and no datagram to other hosts is lost") {
  UdpSocket sender = open_on_loopback();
  UdpSocket receiver = open_on_loopback();
  const auto closed_port = [] { return open_on_loopback().port(); };
  const SendRun nowhere{.path = {{IpAddress::parse("127.0.0.1").value(), closed_port(), 0}, {}},
                        .peer = 1,
                        .tos = 0,
                        .size = 100,
                        .segment_size = 100};
  std::uint32_t lost = 0;
  std::uint32_t next = 0;
  const auto send_both = [&] {
    push_counted(sender, nowhere, lost);
    sender.flush();
    push_counted(sender, run_to(receiver, 2 * segment), next);
    sender.flush();
    sender.read_failures(Family::v4);
    return sender.take_failures();
  };
  CHECK(send_both().empty());
  sender.report_failures(true);
  const auto failures = send_both();
  REQUIRE_EQ(failures.size(), 1);
  CHECK(failures[0].to == nowhere.path.remote);
  CHECK_EQ(failures[0].error, ECONNREFUSED);
  CHECK_EQ(failures[0].reported_by.to_string(), "127.0.0.1");
  sender.report_failures(false);
  CHECK(send_both().empty());
  check_counted(receive_all(receiver, next).bytes);
  CHECK_EQ(sender.counters().send_errors, 0);
}
