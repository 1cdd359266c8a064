#include "shared/base/unique_fd.h"
#include "shared/sys/fd_pass.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/scope_exit.h"

namespace wg4 {
namespace {

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

SocketPair make_pair_of_sockets() {
  auto sockets = make_message_sockets();
  REQUIRE(sockets.has_value());
  return std::move(*sockets);
}

std::vector<UniqueFd> open_null(std::size_t count) {
  std::vector<UniqueFd> fds;
  for (std::size_t i = 0; i < count; ++i) fds.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  return fds;
}

auto count_open_fds() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return std::distance(begin(entries), end(entries));
}

TEST_CASE("a message arrives whole, with its descriptors") {
  const SocketPair sockets = make_pair_of_sockets();
  std::array<int, 2> pipe_ends{};
  REQUIRE(pipe(pipe_ends.data()) == 0);
  const UniqueFd reader(pipe_ends[0]);
  std::vector<UniqueFd> writer;
  writer.emplace_back(pipe_ends[1]);
  REQUIRE(send_message(sockets.ours.get(), bytes_of("first"), writer).has_value());
  REQUIRE(send_message(sockets.ours.get(), bytes_of("second")).has_value());

  std::array<std::uint8_t, 64> buffer{};
  const auto first = receive_message(sockets.theirs.get(), buffer, 4);
  REQUIRE(first.has_value());
  REQUIRE(first->has_value());
  CHECK(std::string(buffer.begin(), buffer.begin() + 5) == "first");
  CHECK((*first)->size == 5);
  REQUIRE((*first)->fds.size() == 1);
  const int passed = (*first)->fds.front().get();
  CHECK((fcntl(passed, F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE(write(passed, "x", 1) == 1);
  char byte = 0;
  CHECK(read(reader.get(), &byte, 1) == 1);
  CHECK(byte == 'x');

  const auto second = receive_message(sockets.theirs.get(), buffer, 4);
  REQUIRE(second.has_value());
  REQUIRE(second->has_value());
  CHECK((*second)->size == 6);
  CHECK((*second)->fds.empty());
}

TEST_CASE("the close of the other end is distinguished from an error") {
  SocketPair sockets = make_pair_of_sockets();
  REQUIRE(send_message(sockets.theirs.get(), bytes_of("last words")).has_value());
  REQUIRE(send_message(sockets.ours.get(), bytes_of("never read")).has_value());
  sockets.theirs.reset();

  std::array<std::uint8_t, 64> buffer{};
  const auto last = receive_message(sockets.ours.get(), buffer);
  REQUIRE(last.has_value());
  REQUIRE(last->has_value());
  CHECK((*last)->size == 10);
  const auto end = receive_message(sockets.ours.get(), buffer);
  REQUIRE(end.has_value());
  CHECK_FALSE(end->has_value());

  const auto sent = send_message(sockets.ours.get(), bytes_of("to nobody"));
  REQUIRE_FALSE(sent.has_value());
  CHECK(sent.error().number == EPIPE);
}

TEST_CASE("a message that does not fit is an error and leaves no descriptor open") {
  const SocketPair sockets = make_pair_of_sockets();
  const std::vector<UniqueFd> fds = open_null(3);
  const auto open_before = count_open_fds();
  std::array<std::uint8_t, 4> buffer{};

  SUBCASE("more bytes than the buffer holds") {
    REQUIRE(send_message(sockets.ours.get(), bytes_of("five!"), fds).has_value());
    const auto received = receive_message(sockets.theirs.get(), buffer, 3);
    REQUIRE_FALSE(received.has_value());
    CHECK(received.error().number == EMSGSIZE);
  }
  SUBCASE("more descriptors than asked for") {
    REQUIRE(send_message(sockets.ours.get(), bytes_of("four"), fds).has_value());
    CHECK_FALSE(receive_message(sockets.theirs.get(), buffer, 2).has_value());
  }
  SUBCASE("more descriptors than this process may open") {
    REQUIRE(send_message(sockets.ours.get(), bytes_of("four"), fds).has_value());
    rlimit limit{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const ScopeExit restore([limit] { setrlimit(RLIMIT_NOFILE, &limit); });
    const rlimit tight{static_cast<rlim_t>(fds.back().get()) + 2, limit.rlim_max};  // room for one
    REQUIRE(setrlimit(RLIMIT_NOFILE, &tight) == 0);
    const auto received = receive_message(sockets.theirs.get(), buffer, 3);
    REQUIRE_FALSE(received.has_value());
    CHECK(received.error().number == EMFILE);
  }
  CHECK(count_open_fds() == open_before);
}

TEST_CASE("the kernel's maximum of descriptors can be passed at once") {
  const SocketPair sockets = make_pair_of_sockets();
  const std::vector<UniqueFd> fds = open_null(max_passed_fds);
  REQUIRE(send_message(sockets.ours.get(), bytes_of("all"), fds).has_value());
  std::array<std::uint8_t, 8> buffer{};
  const auto received = receive_message(sockets.theirs.get(), buffer, max_passed_fds);
  REQUIRE(received.has_value());
  REQUIRE(received->has_value());
  CHECK((*received)->fds.size() == max_passed_fds);
}

TEST_CASE("a non-blocking socket says EAGAIN") {
  const SocketPair sockets = make_pair_of_sockets();
  REQUIRE(fcntl(sockets.ours.get(), F_SETFL, O_NONBLOCK) == 0);
  std::array<std::uint8_t, 8> buffer{};
  const auto received = receive_message(sockets.ours.get(), buffer);
  REQUIRE_FALSE(received.has_value());
  CHECK(received.error().number == EAGAIN);

  const std::vector<std::uint8_t> large(16 * 1024);
  auto sent = send_message(sockets.ours.get(), large);
  for (int i = 0; i < 10'000 && sent; ++i) sent = send_message(sockets.ours.get(), large);
  REQUIRE_FALSE(sent.has_value());
  CHECK(sent.error().number == EAGAIN);
}

}  // namespace
}  // namespace wg4
