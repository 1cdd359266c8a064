// The socket and its server, with real clients that are hostile.

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "shared/net/prefix.h"
#include "shared/sys/clock.h"
#include "shared/sys/event_loop.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"
#include "wg4netns/uapi/codec.h"
#include "wg4netns/uapi/connection.h"
#include "wg4netns/uapi/control_socket.h"
#include "wg4netns/uapi/server.h"

namespace wg4::uapi {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "wg4-uapi-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  /// The folder of the sockets, which does not exist yet.
  [[nodiscard]] std::string sockets() const { return path_ / "wireguard"; }

 private:
  fs::path path_;
};

class FakeTarget final : public Target {
 public:
  Errno apply(DeviceChange change) override {
    port = change.listen_port.value_or(port);
    return 0;
  }
  InterfaceStatus interface_status() override { return {.private_key = {}, .listen_port = port}; }
  std::optional<StatusPiece> next_peer(StatusCursor& cursor, std::size_t most) override {
    if (cursor.peer == peers) return std::nullopt;
    ++cursor.peer;
    StatusPiece piece;
    piece.peer.allowed_ips.assign(std::min<std::size_t>(most, 100), *Prefix::parse("10.0.0.0/8"));
    return piece;
  }
  void write_own_status(SecretText& /*out*/) override {}
  Errno follow(std::vector<NamedEndpoint> /*names*/) override { return 0; }
  Errno follow_link(LinkStatus /*link*/) override { return 0; }
  void give_tun(UniqueFd /*client*/) override {}
  void begin_capture(UniqueFd client, bool with_keys) override {
    const std::string_view words = with_keys ? "with keys" : "a capture";
    CHECK(send(client.get(), words.data(), words.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(words.size()));
  }

  std::uint16_t port = 1;
  PeerId peers = 0;
};

struct Stage {
  Folder folder;
  FakeTarget target;
  Server server = *Server::create(*ControlSocket::create(folder.sockets(), "wg0"), target, no_scopes);
  Instant now{std::chrono::seconds(1000)};

  void turns(int count = 10) {
    for (int i = 0; i < count; ++i) server.turn(now);
  }
  [[nodiscard]] UniqueFd client() const { return *connect_to(server.socket().path()); }
};

void say(const UniqueFd& client, const std::string& text) {
  REQUIRE_EQ(send(client.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

/// What can be read now; "end" at the end.
std::string hear(const UniqueFd& client) {
  std::array<char, 4096> buffer;
  const ssize_t size = recv(client.get(), buffer.data(), buffer.size(), 0);
  if (size == 0) return "end";
  return size < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(size));
}

mode_t mode_of(const std::string& path) {
  return fs::symlink_status(path).permissions() == fs::perms::unknown ? 0 : [&] {
    struct stat info{};
    REQUIRE_EQ(lstat(path.c_str(), &info), 0);
    return info.st_mode & 07777;
  }();
}

TEST_CASE("other users cannot connect, and nothing is left behind") {
  const Folder folder;
  {
    const auto socket = ControlSocket::create(folder.sockets(), "wg0");
    REQUIRE(socket.has_value());
    CHECK_EQ(socket->path(), folder.sockets() + "/wg0.sock");
    CHECK_EQ(mode_of(folder.sockets()), 0700);
    CHECK_EQ(mode_of(socket->path()), 0600);
  }
  CHECK(fs::is_empty(folder.sockets()));
}

TEST_CASE("the error for a name in use has the process; a stale socket is replaced") {
  const Folder folder;
  std::string path;
  {
    const auto first = ControlSocket::create(folder.sockets(), "wg0");
    REQUIRE(first.has_value());
    const auto second = ControlSocket::create(folder.sockets(), "wg0");
    REQUIRE_FALSE(second.has_value());
    CHECK_EQ(second.error().number, EADDRINUSE);
    CHECK_NE(second.error().message().find("process " + std::to_string(getpid())), std::string::npos);
    CHECK(connect_to(first->path()).has_value());
    path = first->path();
    fs::create_hard_link(path, path + ".kept");
  }
  fs::rename(path + ".kept", path);  // the state after a program was killed
  CHECK_EQ(connect_to(path).error().number, ECONNREFUSED);
  const auto again = ControlSocket::create(folder.sockets(), "wg0");
  REQUIRE(again.has_value());
  CHECK(connect_to(path).has_value());
}

TEST_CASE("stale sockets with a number that is not used again are removed") {
  const Folder folder;
  const std::string path = folder.sockets() + "/wg0-123.sock";
  const auto live = ControlSocket::create(folder.sockets(), "wg0-456");
  {
    const auto killed = ControlSocket::create(folder.sockets(), "wg0-123");
    fs::create_hard_link(path, path + ".kept");
    const auto named = ControlSocket::create(folder.sockets(), "mine");
    fs::create_hard_link(named->path(), named->path() + ".kept");
  }
  fs::rename(path + ".kept", path);
  fs::rename(folder.sockets() + "/mine.sock.kept", folder.sockets() + "/mine.sock");
  const auto next = ControlSocket::create(folder.sockets(), "wg0");
  CHECK_FALSE(fs::exists(path));
  CHECK(fs::exists(live->path()));
  CHECK(fs::exists(folder.sockets() + "/mine.sock"));
}

TEST_CASE("a folder that others can write to, and a file in the way, are errors") {
  const Folder folder;
  fs::create_directory(folder.sockets());
  fs::permissions(folder.sockets(), fs::perms(0777));
  CHECK_FALSE(ControlSocket::create(folder.sockets(), "wg0").has_value());
  fs::permissions(folder.sockets(), fs::perms(0755));
  CHECK(ControlSocket::create(folder.sockets(), "wg0").has_value());
  fs::create_directory(folder.sockets() + "/wg1.sock");
  CHECK_EQ(ControlSocket::create(folder.sockets(), "wg1").error().number, EADDRINUSE);
  CHECK(fs::is_directory(folder.sockets() + "/wg1.sock"));
}

TEST_CASE("names are those that an interface may have") {
  for (const char* name : {"wg0", "a", "tap0-1234567890", "A_=+.-9"}) CHECK(is_socket_name(name));
  for (const char* name : {"", ".", "..", "a/b", "a b", "1234567890123456", "\n"}) CHECK_FALSE(is_socket_name(name));
}

TEST_CASE("several clients are served at once") {
  Stage stage;
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 100; ++i) say(clients.emplace_back(stage.client()), "get=1\n");
  stage.turns(20);
  CHECK_EQ(stage.server.clients(), 100);
  for (const UniqueFd& client : clients) say(client, "\n");
  stage.turns(100);
  for (const UniqueFd& client : clients) CHECK_EQ(hear(client), "listen_port=1\nerrno=0\n\n");
  clients.resize(1);
  stage.turns(100);
  CHECK_EQ(stage.server.clients(), 1);
}

TEST_CASE("a client that does not read is dropped after a while, and no other") {
  Stage stage;
  stage.target.peers = 10'000;
  const UniqueFd stubborn = stage.client();
  const UniqueFd fine = stage.client();
  say(stubborn, "get=1\n\n");
  stage.turns(200);
  stage.now += Server::patience - std::chrono::seconds(1);
  say(fine, "set=1\nlisten_port=5\n\n");
  stage.turns();
  CHECK_EQ(hear(fine), "errno=0\n\n");
  CHECK_EQ(stage.server.clients(), 2);
  stage.now += std::chrono::seconds(1);
  stage.turns();
  CHECK_EQ(stage.server.clients(), 1);
  // An idle client is not dropped.
  stage.now += 100 * Server::patience;
  stage.turns();
  say(fine, "set=1\n\n");
  stage.turns();
  CHECK_EQ(hear(fine), "errno=0\n\n");
}

TEST_CASE("the timeout of a client that does not read wakes the loop") {
  Stage stage;
  stage.now = Instant(boot_clock());
  stage.target.peers = 10'000;
  const UniqueFd stubborn = stage.client();
  say(stubborn, "get=1\n\n");
  stage.turns(200);
  auto outer = *EventLoop<std::uint32_t>::create();
  REQUIRE(outer.watch(stage.server.fd(), 0).has_value());
  REQUIRE(outer.wait(0).empty());
  CHECK_EQ(outer.wait(static_cast<int>(std::chrono::milliseconds(Server::patience).count()) + 1000).size(), 1);
}

TEST_CASE("when there are too many clients, the one that was idle longest is dropped") {
  Stage stage;
  std::vector<UniqueFd> clients;
  for (std::size_t i = 0; i < Server::max_clients; ++i) {
    clients.push_back(stage.client());
    stage.now += std::chrono::milliseconds(1);
    stage.turns(2);
  }
  say(clients[0], "set=1\n\n");
  stage.now += std::chrono::milliseconds(1);
  stage.turns(2);
  CHECK_EQ(hear(clients[0]), "errno=0\n\n");
  const UniqueFd late = stage.client();
  stage.turns(2);
  say(late, "set=1\n\n");
  stage.turns(2);
  CHECK_EQ(hear(late), "errno=0\n\n");
  CHECK_EQ(hear(clients[0]), "");
  CHECK_EQ(hear(clients[1]), "end");
}

TEST_CASE("lines sent before the connection broke are applied") {
  Stage stage;
  {
    const UniqueFd client = stage.client();
    say(client, "set=1\nlisten_port=5\n");
  }
  stage.turns();
  CHECK_EQ(stage.target.port, 5);
  CHECK_EQ(stage.server.clients(), 0);
}

TEST_CASE("a turn is short, whatever clients send") {
  Stage stage;
  std::vector<UniqueFd> clients;
  const std::string much = "set=1\n" + std::string(60'000, 'x');
  for (int i = 0; i < 30; ++i) say(clients.emplace_back(stage.client()), much);
  stage.turns(3);
  // One read per turn: half of it is still to come after as many turns as there are clients.
  stage.turns(30);
  const UniqueFd fine = stage.client();
  say(fine, "set=1\n\n");
  stage.turns(200);
  CHECK_EQ(hear(fine), "errno=0\n\n");
  CHECK_EQ(stage.server.clients(), 31);
}

TEST_CASE("a client that asks for a capture is handed over, after the answers to earlier requests") {
  Stage stage;
  const UniqueFd client = stage.client();
  say(client, "get=1\n\nwg4netns=capture-keys\n\n");
  stage.turns();
  const std::string heard = hear(client);
  CHECK(heard.starts_with("listen_port=1\n"));
  CHECK(heard.ends_with("errno=0\n\nwith keys"));
  CHECK_EQ(stage.server.clients(), 0);
  CHECK_EQ(hear(client), "end");
}

}  // namespace
}  // namespace wg4::uapi
