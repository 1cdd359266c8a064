// The client of a control socket, at a socket where the test answers.

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/net/prefix.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/time.h"
#include "wg4netns/uapi/codec.h"
#include "wg4netns/uapi/control_client.h"

namespace wg4 {
namespace {

using namespace std::chrono_literals;

/// Sends `first`, and then `again` repeatedly, `pause` apart, as long as the client is connected.
class Talker {
 public:
  Talker(const std::string& first, const std::string& again, std::chrono::milliseconds pause = 0ms) {
    std::string pattern = std::filesystem::temp_directory_path() / "wg4-client-XXXXXX";
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, tunnel().path.c_str(), tunnel().path.size());
    REQUIRE(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener_.get(), 1) == 0);
    thread_ = std::thread([this, first, again, pause] {
      const UniqueFd client(accept(listener_.get(), nullptr, nullptr));
      if (!client.valid() || !say(client, first)) return;
      while (!again.empty() && say(client, again)) std::this_thread::sleep_for(pause);
      // Read everything: closing with unread bytes would discard the answer that the client has not read yet.
      std::array<char, 4096> rest;
      while (recv(client.get(), rest.data(), rest.size(), 0) > 0) continue;
    });
  }
  ~Talker() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    std::filesystem::remove_all(folder_);
  }
  Talker(const Talker&) = delete;
  Talker& operator=(const Talker&) = delete;

  [[nodiscard]] RunningTunnel tunnel() const { return {.name = "wg9", .path = folder_ + "/wg9.sock"}; }

 private:
  static bool say(const UniqueFd& client, const std::string& text) {
    return send(client.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }

  std::string folder_;
  UniqueFd listener_{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::thread thread_;
};

std::string refusal(const Talker& talker, const AnswerLimits& limits) {
  const auto status = ask_status(talker.tunnel(), limits);
  return status ? "" : status.error().message();
}

constexpr AnswerLimits roomy{.bytes = 1 << 20, .time = 1min};

TEST_CASE("a complete answer is returned whole") {
  const Talker talker("listen_port=7\nfwmark=1\nerrno=0\n\nwhat comes behind does not count", "");
  const auto status = ask_status(talker.tunnel(), {.bytes = 27, .time = 1min});
  REQUIRE(status.has_value());
  CHECK(status->interface.listen_port == 7);
}

TEST_CASE("an endless answer is an error at the limit of its size") {
  const Talker talker("listen_port=7\n", "public_key=" + std::string(64, 'a') + "\n");
  CHECK(refusal(talker, roomy).find("wg9: the tunnel says more than 1048576 bytes") != std::string::npos);
  const Talker own("config=x\n", "diagnosis=x\n");
  CHECK(ask_own_status(own.tunnel(), roomy).empty());
}

TEST_CASE("an endless line is an error") {
  const Talker talker("", std::string(1000, 'x'));
  CHECK(refusal(talker, {.bytes = 1 << 30, .time = 1min}).find("its line has no end") != std::string::npos);
}

TEST_CASE("a slow answer is an error at the limit of its time") {
  const Talker talker("", "fwmark=1\n", 10ms);
  const auto began = std::chrono::steady_clock::now();
  CHECK(refusal(talker, {.bytes = 1 << 20, .time = 200ms}).find("has not said all") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - began < 10s);
}

TEST_CASE("the limits have room for as many peers as there can be") {
  PeerStatus peer;
  peer.endpoint = Endpoint::parse("[2001:db8:1234:5678:1234:5678:1234:5678]:51820");
  peer.last_handshake = WallTime(std::chrono::seconds(2000000000));
  peer.rx_bytes = peer.tx_bytes = UINT64_MAX;
  peer.persistent_keepalive_s = UINT16_MAX;
  peer.allowed_ips = {*Prefix::parse("10.123.123.123/32")};
  SecretText text;
  uapi::write(text, peer, false);
  CHECK(text.size() * max_peers < status_limits.bytes);
  peer.allowed_ips.assign(50, *Prefix::parse("2001:db8:1234:5678:1234:5678:1234:5678/128"));
  text.clear();
  uapi::write(text, peer, false);
  CHECK(text.size() * 100'000 < status_limits.bytes);
}

}  // namespace
}  // namespace wg4
