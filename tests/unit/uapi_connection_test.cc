// A client's requests and answers, byte by byte, without a socket.

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/hex_base64.h"
#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "shared/net/prefix.h"
#include "wg4netns/core/control.h"
#include "wg4netns/uapi/codec.h"
#include "wg4netns/uapi/connection.h"

namespace wg4::uapi {
namespace {

const std::string key_text(64, 'a');

/// A device that keeps a port and one peer's allowed IPs.
class FakeTarget final : public Target {
 public:
  Errno apply(DeviceChange change) override {
    ++changes;
    if (change.listen_port && *change.listen_port == busy_port) return EADDRINUSE;
    port = change.listen_port.value_or(port);
    for (const PeerChange& peer : change.peers) {
      largest = std::max(largest, peer.allowed_ips.size());
      if (peer.replace_allowed_ips) allowed_ips.clear();
      for (const AllowedIpChange& each : peer.allowed_ips) allowed_ips.push_back(each.prefix);
    }
    return 0;
  }
  InterfaceStatus interface_status() override { return {.private_key = {}, .listen_port = port}; }
  std::optional<StatusPiece> next_peer(StatusCursor& cursor, std::size_t most) override {
    if (cursor.peer > 0) return std::nullopt;
    StatusPiece piece;
    piece.continued = cursor.allowed_ips > 0;
    const std::size_t count = std::min(most, allowed_ips.size() - cursor.allowed_ips);
    const auto first = allowed_ips.begin() + static_cast<std::ptrdiff_t>(cursor.allowed_ips);
    piece.peer.allowed_ips.assign(first, first + static_cast<std::ptrdiff_t>(count));
    cursor.allowed_ips += count;
    if (count < most) cursor.peer = 1;
    return piece;
  }
  void write_own_status(SecretText& out) override { out.append("mtu=1420\n"); }
  Errno follow(std::vector<NamedEndpoint> names) override {
    followed = std::move(names);
    return followed.size() == 2 ? EOPNOTSUPP : 0;
  }
  Errno follow_link(LinkStatus wanted) override {
    link = std::move(wanted);
    return link.mtu == 0 ? EINVAL : 0;
  }
  void begin_capture(UniqueFd /*client*/, bool /*with_keys*/) override {}
  void give_tun(UniqueFd /*client*/) override {}

  static constexpr std::uint16_t busy_port = 7;
  std::uint16_t port = 0;
  std::vector<Prefix> allowed_ips;
  std::vector<NamedEndpoint> followed;
  LinkStatus link;
  int changes = 0;
  std::size_t largest = 0;
};

struct Talk {
  FakeTarget target;
  Connection connection{target};

  /// Sends as much as is accepted, and reads the answer at once.
  std::string say(std::string_view text, std::size_t at_a_time = Connection::max_read) {
    std::string answer = hear();
    while (!text.empty() && connection.wants_input()) {
      const std::size_t size = std::min({text.size(), at_a_time, Connection::max_read});
      std::ranges::copy(text.substr(0, size), connection.room().begin());
      connection.received(size);
      text.remove_prefix(size);
      answer += hear();
    }
    return answer;
  }
  std::string hear() {
    std::string heard;
    while (!connection.output().empty()) {
      heard += connection.output();
      connection.sent(connection.output().size());
    }
    return heard;
  }
};

TEST_CASE("names are taken all or none") {
  const std::string key(64, 'a');
  Talk talk;
  CHECK(talk.say("wg4netns=follow\nname=" + key + " 51820 peer.test\n\n") == "errno=0\n\n");
  REQUIRE(talk.target.followed.size() == 1);
  CHECK(talk.target.followed[0].host == "peer.test");
  CHECK(talk.target.followed[0].port == 51820);
  CHECK(talk.target.followed[0].public_key[31] == 0xaa);
  for (const std::string& bad : {"name=" + key, "name=" + key + " 1", "name=" + key + " 1 ", "name=" + key + " 65536 a",
                                 "name=" + key + " 1 a b", "name=" + key.substr(1) + " 1 peer.test", "host=" + key,
                                 "name=" + key + "  a", std::string("name="), std::string("name")}) {
    CAPTURE(bad);
    CHECK(talk.say("wg4netns=follow\nname=" + key + " 1 other\n" + bad + "\n\n") == "errno=22\n\n");
    CHECK(talk.target.followed.size() == 1);
  }
  CHECK(talk.say("wg4netns=follow\nname=" + key + " 1 a\nname=" + key + " 1 b\n\n") == "errno=95\n\n");
  CHECK(talk.say("wg4netns=follow\n\nwg4netns=1\n\n") == "errno=0\n\nmtu=1420\nerrno=0\n\n");
  CHECK(talk.target.followed.empty());
  std::string many = "wg4netns=follow\n";
  for (std::size_t i = 0; i <= NameReader::max_names; ++i) many += "name=" + key + " 1 a\n";
  CHECK(talk.say(many + "\n") == "errno=7\n\n");
}

TEST_CASE("a capture ends the requests, once all answers were read") {
  for (const bool keys : {false, true}) {
    Talk talk;
    const std::string text = std::string("wg4netns=1\n\nwg4netns=capture") + (keys ? "-keys\n" : "\n");
    CHECK(talk.say(text) == "mtu=1420\nerrno=0\n\n");
    CHECK(talk.connection.handover() == Connection::Handover::none);
    CHECK(talk.connection.wants_input());
    CHECK(talk.say("\nget=1\n\n") == "");
    CHECK(talk.connection.handover() ==
          (keys ? Connection::Handover::capture_with_keys : Connection::Handover::capture));
    CHECK_FALSE(talk.connection.wants_input());
    CHECK_FALSE(talk.connection.done());
  }
  Talk talk;
  CHECK(talk.say("wg4netns=capture\nkeys=1\n\n") == "errno=22\n\n");
  CHECK(talk.connection.handover() == Connection::Handover::none);
  talk.say("wg4netns=captured\n\n");
  CHECK(talk.connection.done());
}

TEST_CASE("the settings after a reload are taken all or none") {
  Talk talk;
  CHECK_EQ(talk.say("wg4netns=link\nmtu=1300\ntable=auto\naddress=10.9.0.2/24\naddress=fd00::2/128\n\n"),
           "errno=0\n\n");
  CHECK_EQ(talk.target.link.mtu, 1300);
  CHECK_EQ(talk.target.link.table, "auto");
  CHECK_EQ(talk.target.link.addresses.size(), 2U);
  for (const char* bad : {"mtu=70000", "mtu=-1", "table=", "table=a b", "address=10.9.0.2/33", "address=", "other=1"})
    CHECK_EQ(talk.say("wg4netns=link\nmtu=1280\n" + std::string(bad) + "\n\n"), "errno=22\n\n");
  CHECK_EQ(talk.target.link.mtu, 1300);
}

TEST_CASE("a request for the TUN ends the connection") {
  Talk talk;
  talk.say("wg4netns=tun\n\n");
  CHECK(talk.connection.handover() == Connection::Handover::tun);
}

TEST_CASE("requests follow each other, whole or byte by byte") {
  const std::string text = "set=1\nlisten_port=5\n\nget=1\n\nwg4netns=1\n\nset=1\n\n";
  for (const std::size_t at_a_time : {std::size_t{1}, std::size_t{7}, Connection::max_read}) {
    Talk talk;
    const std::string answer = talk.say(text, at_a_time);
    CHECK(answer.starts_with("errno=0\n\nlisten_port=5\npublic_key="));
    CHECK(answer.ends_with("\nerrno=0\n\nmtu=1420\nerrno=0\n\nerrno=0\n\n"));
    CHECK_FALSE(talk.connection.done());
    talk.connection.received_end();
    CHECK(talk.connection.done());
  }
}

TEST_CASE("an unknown request ends the connection, after the answers to earlier ones") {
  for (const char* text : {"\n", "x=1\n", "get=2\n", "get=1\r\n", "set=1\r\n", "GET=1\n", " get=1\n", "errno=0\n"}) {
    CAPTURE(text);
    Talk talk;
    CHECK_EQ(talk.say("set=1\n\n" + std::string(text) + "set=1\nlisten_port=9\n\n"), "errno=0\n\n");
    CHECK(talk.connection.done());
    CHECK_EQ(talk.target.port, 0);
  }
}

TEST_CASE("a set that fails is answered at once; earlier lines stay applied, later ones are ignored") {
  Talk talk;
  CHECK_EQ(talk.say("set=1\nlisten_port=5\nlisten_port=x\n"), "errno=" + std::to_string(-EINVAL) + "\n\n");
  CHECK_EQ(talk.target.port, 5);
  CHECK_EQ(talk.say("listen_port=6\n\n"), "");
  CHECK_EQ(talk.target.port, 5);
  CHECK_EQ(talk.say("set=1\nfwmark\n\n"), "errno=" + std::to_string(-EPROTO) + "\n\n");
  CHECK_EQ(talk.say("set=1\nlisten_port=7\n\n"), "errno=" + std::to_string(-EADDRINUSE) + "\n\n");
  // After an error, a client need not end its request.
  CHECK_EQ(talk.say("set=1\nbad\n"), "errno=" + std::to_string(-EPROTO) + "\n\n");
  CHECK_EQ(talk.say("set=1\nlisten_port=8\n\n"), "errno=0\n\n");
  CHECK_EQ(talk.target.port, 8);
}

TEST_CASE("the answer to a bad get is a number that wg reads") {
  Talk talk;
  CHECK_EQ(talk.say("get=1\nx\n\n"), "errno=" + std::to_string(EINVAL) + "\n\n");
  CHECK(talk.say("get=1\n\n").ends_with("errno=0\n\n"));
}

TEST_CASE("lines of a set may end as on Windows") {
  Talk talk;
  CHECK_EQ(talk.say("set=1\nlisten_port=5\r\n\r\n"), "errno=0\n\n");
  CHECK_EQ(talk.target.port, 5);
}

TEST_CASE("a set is applied as far as it was sent") {
  Talk talk;
  CHECK_EQ(talk.say("set=1\nlisten_port=5"), "");
  talk.connection.received_end();
  CHECK_EQ(talk.hear(), "errno=0\n\n");
  CHECK_EQ(talk.target.port, 5);
  CHECK(talk.connection.done());

  Talk broken;
  CHECK_EQ(broken.say("set=1\nlisten_port=5\nlisten_"), "");
  broken.connection.received_end();
  CHECK_EQ(broken.hear(), "errno=" + std::to_string(-EPROTO) + "\n\n");
  CHECK_EQ(broken.target.port, 5);
}

TEST_CASE("a line has a limit, and bytes beyond it are not stored") {
  const auto line_of = [](std::size_t length) { return "listen_port=" + std::string(length - 13, '0') + "5"; };
  Talk talk;
  CHECK_EQ(talk.say("set=1\n" + line_of(Connection::max_line - 1) + "\n\n"), "errno=0\n\n");
  CHECK_EQ(talk.target.port, 5);
  CHECK_EQ(talk.say("set=1\n" + line_of(Connection::max_line) + "\nlisten_port=6\n\n"),
           "errno=" + std::to_string(-EIO) + "\n\n");
  CHECK_EQ(talk.target.port, 5);
  CHECK_EQ(talk.say("set=1\n" + std::string(10 * Connection::max_line, 'x')), "errno=" + std::to_string(-EIO) + "\n\n");
  CHECK_EQ(talk.say("\n\nset=1\nlisten_port=9\n\n"), "errno=0\n\n");
  CHECK_EQ(talk.target.port, 9);
  CHECK_EQ(talk.say(std::string(2 * Connection::max_line, 'x')), "");
  CHECK(talk.connection.done());
}

TEST_CASE("a long set is applied as it comes, and its answer made as it is read") {
  constexpr std::size_t count = 130'000;
  std::string text = "set=1\npublic_key=" + key_text + "\nreplace_allowed_ips=true\n";
  for (std::size_t i = 0; i < count; ++i)
    text += "allowed_ip=10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
            std::to_string(i & 255) + "/32\n";
  Talk talk;
  CHECK_EQ(talk.say(text + "\n"), "errno=0\n\n");
  CHECK_EQ(talk.target.allowed_ips.size(), count);
  CHECK_GT(talk.target.changes, 10);
  CHECK_LE(talk.target.largest, 2 * ChangeReader::max_allowed_ips);

  const std::string get = "get=1\n\nset=1\nlisten_port=5\n\n";
  std::ranges::copy(get, talk.connection.room().begin());
  talk.connection.received(get.size());
  CHECK_FALSE(talk.connection.wants_input());  // before this was read
  CHECK_EQ(talk.target.port, 0);
  std::size_t longest = 0;
  std::string answer;
  while (!talk.connection.output().empty()) {
    longest = std::max(longest, talk.connection.output().size());
    answer += talk.connection.output().substr(0, 1000);
    talk.connection.sent(std::min<std::size_t>(1000, talk.connection.output().size()));
  }
  CHECK_LT(longest, 3 * Connection::piece_size);
  CHECK_EQ(std::ranges::count(answer, '\n'), static_cast<std::ptrdiff_t>(count) + 9 + 2 + 2 - 1);
  CHECK(answer.ends_with("/32\nerrno=0\n\nerrno=0\n\n"));
  CHECK_EQ(talk.target.port, 5);
}

TEST_CASE("requests of a client that does not read its answers are not read") {
  Talk talk;
  talk.target.allowed_ips.assign(100, *Prefix::parse("10.0.0.0/8"));
  const std::string get = "get=1\n\n";
  int asked = 0;
  for (; talk.connection.wants_input(); ++asked) {
    std::ranges::copy(get, talk.connection.room().begin());
    talk.connection.received(get.size());
    REQUIRE_LT(asked, 100);
  }
  CHECK_LT(talk.connection.output().size(), 3 * Connection::piece_size);
}

}  // namespace
}  // namespace wg4::uapi
