// The server with real connections, in simulated time.

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"
#include "wg4netns/metrics/metrics_server.h"
#include "wg4netns/metrics/metrics_socket.h"

namespace wg4::metrics {
namespace {

using namespace std::chrono_literals;

/// A private folder, and a server at a socket in it.
class Bench {
 public:
  Bench() {
    std::signal(SIGPIPE, SIG_IGN);  // as the program does
    std::string pattern = std::filesystem::temp_directory_path() / "wg4-metrics-XXXXXX";
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    auto socket = MetricsSocket::open("unix:" + path());
    REQUIRE(socket.has_value());
    auto server = MetricsServer::create(*std::move(socket), [this] {
      ++rendered_;
      return text_;
    });
    REQUIRE(server.has_value());
    server_ = std::make_unique<MetricsServer>(*std::move(server));
  }
  ~Bench() {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  [[nodiscard]] std::string path() const { return folder_ + "/metrics.sock"; }
  MetricsServer& server() { return *server_; }
  void end_server() { server_.reset(); }
  void set_text(std::string text) { text_ = std::move(text); }
  [[nodiscard]] int rendered() const { return rendered_; }

  [[nodiscard]] UniqueFd connected() const {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path().c_str(), path().size());
    REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return fd;
  }

  void turns(MetricsServer::Time now, int count = 4) {
    for (int i = 0; i < count; ++i) server_->turn(now);
  }

 private:
  std::string folder_;
  std::string text_ = "metric 1\n";
  int rendered_ = 0;
  std::unique_ptr<MetricsServer> server_;
};

void say(const UniqueFd& fd, const std::string& text) {
  REQUIRE(write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

constexpr const char* scrape = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

struct Heard {
  std::string text;
  bool ended = false;
};

Heard hear(const UniqueFd& fd) {
  Heard heard;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t size = read(fd.get(), buffer.data(), buffer.size());
    heard.ended = size == 0;
    if (size <= 0) return heard;
    heard.text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

TEST_CASE("a scrape is answered, and the connection ends") {
  Bench bench;
  const UniqueFd client = bench.connected();
  say(client, scrape);
  bench.turns(1s);
  const Heard heard = hear(client);
  CHECK(heard.text.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(heard.text.ends_with("\r\n\r\nmetric 1\n"));
  CHECK(heard.ended);
}

TEST_CASE("HEAD has no body, a wrong path an explanation") {
  Bench bench;
  const UniqueFd head = bench.connected();
  const UniqueFd lost = bench.connected();
  say(head, "HEAD /metrics HTTP/1.1\r\n\r\n");
  say(lost, "GET /favicon.ico HTTP/1.1\r\n\r\n");
  bench.turns(1s);
  CHECK(hear(head).text.ends_with("Content-Length: 9\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"));
  CHECK(hear(lost).text.ends_with("\r\n\r\nMetrics are at /metrics.\n"));
}

TEST_CASE("a request may come byte by byte") {
  Bench bench;
  const UniqueFd client = bench.connected();
  for (const char c : std::string(scrape)) {
    say(client, std::string(1, c));
    bench.turns(1s, 1);
  }
  bench.turns(1s);
  CHECK(hear(client).text.starts_with("HTTP/1.1 200"));
}

TEST_CASE("a long text is sent in pieces as it is read") {
  Bench bench;
  const std::string text(3'000'000, 'x');
  bench.set_text(text);
  const UniqueFd client = bench.connected();
  say(client, scrape);
  std::string got;
  for (int i = 0; i < 1000; ++i) {
    bench.turns(1s, 1);
    const Heard heard = hear(client);
    got += heard.text;
    if (heard.ended) break;
  }
  CHECK(got.ends_with(text));
}

TEST_CASE("a slow client has five seconds") {
  Bench bench;
  CHECK_FALSE(bench.server().next_deadline().has_value());
  const UniqueFd silent = bench.connected();
  const UniqueFd deaf = bench.connected();
  bench.set_text(std::string(3'000'000, 'x'));
  say(deaf, scrape);
  bench.turns(10s);
  CHECK(bench.server().next_deadline() == 15s);
  bench.turns(14900ms);
  CHECK_FALSE(hear(silent).ended);
  bench.turns(15s);
  CHECK(hear(silent).ended);
  CHECK(hear(deaf).ended);
  CHECK_FALSE(bench.server().next_deadline().has_value());
}

TEST_CASE("too many clients: the oldest is dropped") {
  Bench bench;
  std::vector<UniqueFd> idle;
  for (std::size_t i = 0; i < MetricsServer::max_clients; ++i) {
    idle.push_back(bench.connected());
    bench.turns(1s + std::chrono::milliseconds(i), 1);
  }
  const UniqueFd late = bench.connected();
  say(late, scrape);
  bench.turns(2s);
  CHECK(hear(late).text.starts_with("HTTP/1.1 200"));
  CHECK(hear(idle.front()).ended);
  CHECK_FALSE(hear(idle.back()).ended);
}

TEST_CASE("the text is made ten times a second at most") {
  Bench bench;
  const auto ask = [&](MetricsServer::Time now) {
    const UniqueFd client = bench.connected();
    say(client, scrape);
    bench.turns(now);
    CHECK(hear(client).ended);
  };
  for (int i = 0; i < 50; ++i) ask(1s + std::chrono::milliseconds(i));
  CHECK(bench.rendered() == 1);
  ask(1100ms);
  CHECK(bench.rendered() == 2);
}

TEST_CASE("clients that break off") {
  Bench bench;
  {
    const UniqueFd gone = bench.connected();
  }
  bench.turns(1s);
  {
    const UniqueFd gone = bench.connected();
    say(gone, scrape);
  }
  bench.turns(1s);
  const UniqueFd half = bench.connected();
  say(half, scrape);
  CHECK(shutdown(half.get(), SHUT_WR) == 0);
  bench.turns(1s);
  CHECK(hear(half).text.ends_with("metric 1\n"));
  CHECK_FALSE(bench.server().next_deadline().has_value());
}

TEST_CASE("the socket's file: only this user's, removed at the end; a stale one is replaced, one in use is not") {
  Bench bench;
  struct stat status{};
  REQUIRE(stat(bench.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  const auto second = MetricsSocket::open("unix:" + bench.path());
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().message().contains("in use by process " + std::to_string(getpid())));
  bench.end_server();
  CHECK_FALSE(std::filesystem::exists(bench.path()));

  {  // A stale socket.
    UniqueFd dead(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, bench.path().c_str(), bench.path().size());
    REQUIRE(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  CHECK(MetricsSocket::open("unix:" + bench.path()).has_value());
  CHECK_FALSE(std::filesystem::exists(bench.path()));
}

TEST_CASE("invalid addresses, and files that are not sockets") {
  for (const std::string where : {"", "9586", "localhost:9586", "127.0.0.1", "127.0.0.1:70000", "unix:", "::1:9586"})
    CHECK_FALSE(MetricsSocket::open(where).has_value());
  const auto file = MetricsSocket::open("unix:/dev/null");
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().message().contains("no socket"));
  const auto open = MetricsSocket::open("127.0.0.1:0");
  REQUIRE(open.has_value());
  CHECK(open->name().starts_with("http://127.0.0.1:"));
  CHECK_FALSE(open->name().contains(":0/"));
}

}  // namespace
}  // namespace wg4::metrics
