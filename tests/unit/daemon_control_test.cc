// What a control socket's clients ask for, asked of the control itself: a real device and a real UDP port, and no
// client.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/hex_base64.h"
#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/log.h"
#include "shared/sys/sandbox_mode.h"
#include "tests/support/seeded_entropy.h"
#include "wg4netns/capture/taps.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/aead_backends.h"
#include "wg4netns/daemon/control.h"
#include "wg4netns/daemon/endpoints.h"
#include "wg4netns/daemon/key_lock.h"
#include "wg4netns/daemon/live_captures.h"
#include "wg4netns/daemon/resolver.h"
#include "wg4netns/daemon/tunnel_facts.h"
#include "wg4netns/daemon/udp_port.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/diagnosis/peer_watch.h"
#include "wg4netns/io/udp_socket.h"
#include "wg4netns/uapi/codec.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;

/// Takes what the device sends, and throws it away.
class NoOutput final : public Output {
 public:
  ByteSpan send_room(std::size_t bytes) override {
    room_.resize(bytes);
    return room_;
  }
  void send(const SendRun&) override {}
  void event(const Event&) override {}

 private:
  std::vector<std::uint8_t> room_;
};

/// As Curve25519 has them: other bits are not kept.
PrivateKey some_private_key() {
  PrivateKey key;
  REQUIRE(getrandom(key.data(), PrivateKey::size(), 0) == static_cast<ssize_t>(PrivateKey::size()));
  key.data()[0] &= 248U;
  key.data()[31] = static_cast<std::uint8_t>((key.data()[31] & 127U) | 64U);
  return key;
}

PublicKey some_public_key(std::uint8_t byte) {
  PublicKey key{};
  key.fill(byte);
  return key;
}

UdpOptions on_loopback(std::uint16_t port = 0) {
  return {.port = port, .v4 = {.address = IpAddress::parse("127.0.0.1"), .device = {}}, .v6 = {}};
}

TunnelFacts some_facts() {
  TunnelFacts facts;
  facts.config = "/srv/a folder/two\nlines.conf";
  facts.link = {.status = {.mtu = 1420, .addresses = {*Prefix::parse("10.0.0.2/24")}, .table = "auto"},
                .owner = LinkOwner::ours,
                .wanted_mtu = std::nullopt,
                .dns = "10.0.0.1",
                .uses_dns = true};
  facts.data_plane = {.interface = "wg0",
                      .threads = 2,
                      .queues = 16,
                      .cipher = "a-cipher",
                      .offloads = {{"checksum", true}, {"tso", true}, {"uso", false}}};
  facts.sandbox = "without an empty root";
  facts.warnings = {"the first", "the second"};
  return facts;
}

/// A file or a socket has this name once, whatever tests run.
class Folder {
 public:
  Folder() {
    log::set_level(log::Level::silent);
    REQUIRE(mkdtemp(path_.data()) != nullptr);
    REQUIRE(setenv("XDG_RUNTIME_DIR", path_.c_str(), 1) == 0);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = fs::temp_directory_path() / "control.XXXXXX";
};

struct TunnelInTest {
  TunnelInTest() {
    auto sockets = make_message_sockets().value();
    REQUIRE(fcntl(sockets.ours.get(), F_SETFL, O_NONBLOCK) == 0);
    REQUIRE(fcntl(sockets.theirs.get(), F_SETFL, O_NONBLOCK) == 0);
    resolver = std::move(sockets.theirs);
    endpoints.have(Resolver::at(std::move(sockets.ours)));
  }
  [[nodiscard]] std::string own_status() {
    SecretText text;
    control->write_own_status(text);
    return std::string(text.view());
  }
  /// Whether the resolver has been asked for something.
  [[nodiscard]] bool was_asked() const {
    std::array<std::uint8_t, 1024> buffer{};
    const auto message = receive_message(resolver.get(), buffer);
    return message.has_value() && message->has_value();
  }

  Folder folder;
  std::unique_ptr<crypto::Aead> cipher = crypto::choose_backend().value().aead;
  test::SeededEntropy entropy{1};
  SharedDevice device{*cipher, entropy, *std::pmr::get_default_resource()};
  NoOutput output;
  UdpPort udp = UdpPort::open(on_loopback()).value();
  KeyLock key_lock = KeyLock::take(PrivateKey{}, "a test", false).value();
  UniqueFd resolver;
  Endpoints endpoints = Endpoints::create({}, {}, SandboxMode::off).value();
  PeerWatch peer_watch{std::nullopt, udp.number()};
  capture::Taps taps;
  std::unique_ptr<LiveCaptures> captures = LiveCaptures::create(taps, device, "wg0").value();
  UniqueFd tun{open("/dev/null", O_RDONLY | O_CLOEXEC)};
  std::unique_ptr<Control> control =
      Control::create(uapi::ControlSocket::create(folder.path(), "wg0").value(),
                      {device, output, udp, key_lock, endpoints, nullptr, peer_watch}, {*captures, tun}, some_facts())
          .value();
};

TEST_CASE("a set gives the device its key, its peers and the socket its port") {
  TunnelInTest tunnel;
  const PrivateKey key = some_private_key();
  DeviceChange change;
  change.private_key = key.clone();
  change.listen_port = 0;
  change.peers.emplace_back().public_key = some_public_key(1);
  const std::uint16_t before = tunnel.udp.number();
  std::uint16_t told = 0;
  tunnel.udp.on_change([&](const UdpSocket& fresh) {
    told = fresh.port();
    return Result<void>();
  });
  CHECK(tunnel.control->apply(std::move(change)) == 0);
  const auto status = tunnel.control->interface_status();
  CHECK(status.private_key.equals(key));
  CHECK(status.listen_port != before);
  CHECK(status.listen_port == told);
  CHECK(tunnel.key_lock.is_for(key));
  CHECK(tunnel.device.hold()->peer_count() == 1);
}

TEST_CASE("the port that it has already is not opened again") {
  TunnelInTest tunnel;
  tunnel.udp.on_change([](const UdpSocket&) { return Result<void>(fail("it was")); });
  DeviceChange change;
  change.listen_port = tunnel.udp.number();
  CHECK(tunnel.control->apply(std::move(change)) == 0);
}

TEST_CASE("where a part of a set fails, what was before it stays applied, and what is behind it is not") {
  TunnelInTest tunnel;
  const PrivateKey key = some_private_key();
  const std::uint16_t before = tunnel.udp.number();
  const auto taken = UdpSocket::open(on_loopback());
  REQUIRE(taken.has_value());
  DeviceChange change;
  change.private_key = key.clone();
  change.listen_port = taken->port();
  change.peers.emplace_back().public_key = some_public_key(1);
  CHECK(tunnel.control->apply(std::move(change)) == EADDRINUSE);
  const auto status = tunnel.control->interface_status();
  CHECK(status.private_key.equals(key));
  CHECK(status.listen_port == before);
  CHECK(tunnel.device.hold()->peer_count() == 0);
}

TEST_CASE("a key that another tunnel has is refused, and the one before stays, with its lock") {
  TunnelInTest tunnel;
  const PrivateKey first = some_private_key();
  const PrivateKey second = some_private_key();
  const auto other = KeyLock::take(second, "another test", false);
  REQUIRE(other.has_value());
  DeviceChange change;
  change.private_key = first.clone();
  REQUIRE(tunnel.control->apply(std::move(change)) == 0);
  DeviceChange next;
  next.private_key = second.clone();
  CHECK(tunnel.control->apply(std::move(next)) == EADDRINUSE);
  CHECK(tunnel.control->interface_status().private_key.equals(first));
  CHECK(tunnel.key_lock.is_for(first));
}

TEST_CASE("a peer without an address is looked up by its name at once; one with an address, when it does not answer") {
  for (const bool has_address : {false, true}) {
    TunnelInTest tunnel;
    DeviceChange change;
    change.peers.emplace_back().public_key = some_public_key(7);
    if (has_address) change.peers.back().endpoint = Endpoint::parse("192.0.2.1:51820");
    REQUIRE(tunnel.control->apply(std::move(change)) == 0);
    CHECK(tunnel.control->follow({{.public_key = some_public_key(7), .host = "peer.example", .port = 51820}}) == 0);
    CHECK(tunnel.was_asked() == !has_address);
    tunnel.endpoints.unanswered(some_public_key(7));
    CHECK(tunnel.was_asked() == has_address);  // not twice
  }
}

TEST_CASE("a peer that is given an address, or removed, is looked up by its name no more") {
  for (const bool removed : {false, true}) {
    TunnelInTest tunnel;
    DeviceChange change;
    change.peers.emplace_back().public_key = some_public_key(7);
    change.peers.back().endpoint = Endpoint::parse("192.0.2.1:51820");
    REQUIRE(tunnel.control->apply(std::move(change)) == 0);
    REQUIRE(tunnel.control->follow({{.public_key = some_public_key(7), .host = "peer.example", .port = 51820}}) == 0);
    DeviceChange next;
    next.peers.emplace_back().public_key = some_public_key(7);
    next.peers.back().remove = removed;
    if (!removed) next.peers.back().endpoint = Endpoint::parse("192.0.2.2:51820");
    CHECK(tunnel.control->apply(std::move(next)) == 0);
    tunnel.endpoints.unanswered(some_public_key(7));
    CHECK_FALSE(tunnel.was_asked());
  }
}

TEST_CASE("what a reload has made of the interface is told from then on, and an MTU of nothing refused") {
  TunnelInTest tunnel;
  CHECK(tunnel.control->follow_link({.mtu = 0}) == EINVAL);
  CHECK(tunnel.own_status().find("\nmtu=1420\n") != std::string::npos);
  CHECK(tunnel.control->follow_link({.mtu = 1300, .addresses = {*Prefix::parse("10.9.0.1/16")}, .table = "off"}) == 0);
  const std::string status = tunnel.own_status();
  CHECK(status.find("\nmtu=1300\naddress=10.9.0.1/16\ntable=off\n") != std::string::npos);
  CHECK(tunnel.device.hold().mtu() == 1300);
}

TEST_CASE("the tunnel's status has a line for each fact, whatever bytes are in it") {
  TunnelInTest tunnel;
  const std::string status = tunnel.own_status();
  CHECK(status.starts_with("config=/srv/a folder/two"));
  CHECK(status.find("two\nlines") == std::string::npos);
  CHECK(status.find("dns=10.0.0.1\ndns_used=yes\nlink_set_up_by=wireguard4netns\npid=" + std::to_string(getpid())) !=
        std::string::npos);
  CHECK(status.find("warning=the first\nwarning=the second\nthreads=2\ntun_queues=16\ncipher=a-cipher\noffloads="
                    "checksum tso\nsandbox=without an empty root\nqueued_packets=0\n") != std::string::npos);
  std::size_t empty_or_bare = 0;
  for (std::size_t at = 0; at < status.size();) {
    const std::size_t end = status.find('\n', at);
    REQUIRE(end != std::string::npos);
    if (status.substr(at, end - at).find('=') == std::string::npos) ++empty_or_bare;
    at = end + 1;
  }
  CHECK(empty_or_bare == 0);
}

TEST_CASE("a client that reloads is handed the TUN") {
  TunnelInTest tunnel;
  std::array<int, 2> ends{};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const UniqueFd client(ends[0]);
  tunnel.control->give_tun(UniqueFd(ends[1]));
  std::array<std::uint8_t, 64> buffer{};
  const auto answer = receive_message(client.get(), buffer, 1);
  REQUIRE(answer.has_value());
  REQUIRE(answer->has_value());
  CHECK(std::string(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>((*answer)->size)) == "errno=0\n\n");
  CHECK((*answer)->fds.size() == 1);
}

TEST_CASE("captures: as many as there may be, and no more") {
  TunnelInTest tunnel;
  std::vector<UniqueFd> clients;
  const auto answer = [&]() -> std::string {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    clients.emplace_back(ends[0]);
    tunnel.control->begin_capture(UniqueFd(ends[1]), false);
    std::array<char, 64> buffer{};
    const ssize_t got = recv(ends[0], buffer.data(), buffer.size(), MSG_DONTWAIT);
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  };
  for (std::size_t i = 0; i < LiveCaptures::max_captures; ++i) CHECK(answer() == "errno=0\n\n");
  CHECK(answer() == "errno=" + std::to_string(EBUSY) + "\n\n");
}

}  // namespace
}  // namespace wg4
