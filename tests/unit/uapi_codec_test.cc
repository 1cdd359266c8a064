// The lines of a set and of a get. The rules are wireguard-go's, and how wg(8) reads the answers.

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/hex_base64.h"
#include "shared/base/secret_text.h"
#include "shared/net/endpoint.h"
#include "shared/net/prefix.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/time.h"
#include "wg4netns/uapi/codec.h"

namespace wg4::uapi {
namespace {

const std::string key_text(64, 'a');
const std::string other_text(64, '5');
const std::string none_text(64, '0');

Errno feed(ChangeReader& reader, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (const Errno number = reader.line(text.substr(0, end)); number != 0) return number;
    text.remove_prefix(end + 1);
  }
  return 0;
}

Errno errno_of(const std::string& text) {
  ChangeReader reader;
  return feed(reader, text);
}

Errno errno_in_peer(const std::string& line) { return errno_of("public_key=" + key_text + "\n" + line + "\n"); }

DeviceChange change_of(const std::string& text) {
  ChangeReader reader;
  REQUIRE_EQ(feed(reader, text), 0);
  return reader.take_all();
}

std::string text_of(const DeviceChange& change) {
  SecretText text;
  write(text, change);
  return std::string(text.view());
}

TEST_CASE("every key of a set") {
  const std::string text = "private_key=" + key_text +
                           "\nlisten_port=51820\nfwmark=4294967295\nreplace_peers=true\n"
                           "public_key=" +
                           key_text + "\nupdate_only=true\npreshared_key=" + other_text +
                           "\nendpoint=[fd00::1]:5\npersistent_keepalive_interval=65535\nreplace_allowed_ips=true\n"
                           "allowed_ip=10.0.0.0/8\nallowed_ip=-::/0\n"
                           "public_key=" +
                           other_text + "\nremove=true\n";
  const DeviceChange change = change_of(text);
  CHECK_EQ(encode_hex(change.private_key->span()), key_text);
  CHECK_EQ(change.listen_port, 51820);
  CHECK_EQ(change.fwmark, UINT32_MAX);
  CHECK(change.replace_peers);
  REQUIRE_EQ(change.peers.size(), 2);
  const PeerChange& peer = change.peers[0];
  CHECK(peer.update_only);
  CHECK_EQ(peer.endpoint, Endpoint::parse("[fd00::1]:5"));
  CHECK_EQ(peer.persistent_keepalive_s, 65535);
  REQUIRE_EQ(peer.allowed_ips.size(), 2);
  CHECK_FALSE(peer.allowed_ips[0].remove);
  CHECK(peer.allowed_ips[1].remove);
  CHECK(change.peers[1].remove);
  CHECK_EQ(text_of(change), text);
}

TEST_CASE("zero is a value, and capitals are digits") {
  const DeviceChange change =
      change_of("private_key=" + none_text + "\nlisten_port=0\nfwmark=0\npublic_key=" + std::string(64, 'A') +
                "\npreshared_key=" + none_text + "\n");
  CHECK(change.private_key->is_zero());
  CHECK_EQ(change.listen_port, 0);
  CHECK_EQ(change.fwmark, 0);
  CHECK_EQ(encode_hex(change.peers[0].public_key), key_text);
  CHECK(change.peers[0].preshared_key->is_zero());
}

TEST_CASE("an invalid value is EINVAL, a line without '=' EPROTO") {
  for (const char* line : {"public_key", "x", " "}) {
    CAPTURE(line);
    CHECK_EQ(errno_of(std::string(line) + "\n"), EPROTO);
    CHECK_EQ(errno_in_peer(line), EPROTO);
  }
  for (const char* line :
       {"private_key=", "private_key=00", "listen_port=", "listen_port=65536", "listen_port=-1", "listen_port=+1",
        "listen_port=1 ", "listen_port=0x1", "fwmark=4294967296", "fwmark=off", "replace_peers=false",
        "replace_peers=", "replace_peers=True", "public_key=", "public_key=zz", "unknown=1", "=", "errno=0", "get=1",
        // those of a peer, before there is one
        "remove=true", "update_only=true", "preshared_key=00", "endpoint=1.2.3.4:5", "persistent_keepalive_interval=1",
        "replace_allowed_ips=true", "allowed_ip=::/0", "protocol_version=1"}) {
    CAPTURE(line);
    CHECK_EQ(errno_of(std::string(line) + "\n"), EINVAL);
  }
  CHECK_EQ(errno_in_peer("private_key=" + none_text), EINVAL);
  for (const char* line : {"listen_port=1",
                           "fwmark=1",
                           "replace_peers=true",
                           "remove=false",
                           "update_only=",
                           "preshared_key=0",
                           "endpoint=",
                           "endpoint=host:1",
                           "endpoint=1.2.3.4",
                           "endpoint=fd00::1:5",
                           "endpoint=[1.2.3.4]:5",
                           "endpoint=1.2.3.4:65536",
                           "endpoint=[fe80::1%nowhere]:5",
                           "persistent_keepalive_interval=65536",
                           "persistent_keepalive_interval=off",
                           "replace_allowed_ips=1",
                           "allowed_ip=10.0.0.0",
                           "allowed_ip=10.0.0.0/33",
                           "allowed_ip=10.0.0.0/08",
                           "allowed_ip=::/129",
                           "allowed_ip=/0",
                           "allowed_ip=--::/0",
                           "allowed_ip=fe80::1%1/64",
                           "protocol_version=2",
                           "protocol_version="}) {
    CAPTURE(line);
    CHECK_EQ(errno_in_peer(line), EINVAL);
  }
  CHECK_EQ(errno_in_peer("protocol_version=1"), 0);
}

TEST_CASE("a link-local endpoint names an interface, or has its number") {
  const auto scopes = [](const std::string& name) {
    return name == "eth0" ? std::optional<std::uint32_t>(7) : std::nullopt;
  };
  for (const char* zone : {"eth0", "7"}) {
    ChangeReader reader(scopes);
    REQUIRE_EQ(feed(reader, "public_key=" + key_text + "\nendpoint=[fe80::1%" + zone + "]:5\n"), 0);
    CHECK_EQ(reader.take_all().peers[0].endpoint, Endpoint::parse("[fe80::1%7]:5"));
  }
}

TEST_CASE("changes taken in pieces are the same as all at once") {
  ChangeReader reader;
  REQUIRE_EQ(feed(reader, "listen_port=1\npublic_key=" + key_text + "\nupdate_only=true\n"), 0);
  DeviceChange taken = reader.take();
  CHECK_EQ(taken.listen_port, 1);
  CHECK(taken.peers.empty());  // more lines may belong to it
  CHECK(is_empty(reader.take()));
  for (std::size_t i = 0; i < ChangeReader::max_allowed_ips; ++i) REQUIRE_EQ(reader.line("allowed_ip=10.0.0.0/8"), 0);
  taken = reader.take();
  REQUIRE_EQ(taken.peers.size(), 1);
  CHECK_EQ(taken.peers[0].allowed_ips.size(), ChangeReader::max_allowed_ips);
  REQUIRE_EQ(reader.line("endpoint=1.2.3.4:5"), 0);
  taken = reader.take_all();
  REQUIRE_EQ(taken.peers.size(), 1);
  CHECK(taken.peers[0].update_only);
  CHECK_EQ(encode_hex(taken.peers[0].public_key), key_text);
  CHECK_EQ(taken.peers[0].endpoint, Endpoint::parse("1.2.3.4:5"));
  CHECK(is_empty(reader.take_all()));
}

TEST_CASE("replace_allowed_ips comes after the allowed IPs of earlier lines") {
  const DeviceChange change =
      change_of("public_key=" + key_text + "\nallowed_ip=10.0.0.0/8\nreplace_allowed_ips=true\nallowed_ip=::/0\n");
  REQUIRE_EQ(change.peers.size(), 2);
  CHECK_FALSE(change.peers[0].replace_allowed_ips);
  CHECK(change.peers[1].replace_allowed_ips);
  CHECK_EQ(change.peers[1].allowed_ips[0].prefix, Prefix::parse("::/0"));
}

TEST_CASE("the lines of a get, and back") {
  InterfaceStatus interface;
  PeerStatus peer;
  REQUIRE(decode_hex(key_text, interface.private_key.span()));
  REQUIRE(decode_hex(other_text, peer.public_key));
  interface.listen_port = 51820;
  interface.fwmark = 3;
  peer.endpoint = Endpoint::parse("192.0.2.1:7");
  peer.last_handshake = WallTime(std::chrono::nanoseconds(1'700'000'000'000'000'042));
  peer.rx_bytes = UINT64_MAX;
  peer.tx_bytes = 1;
  peer.persistent_keepalive_s = 25;
  peer.allowed_ips = {*Prefix::parse("10.0.0.0/8"), *Prefix::parse("::/0")};
  SecretText text;
  write(text, interface);
  write(text, peer, false);
  CHECK_EQ(text.view(), "private_key=" + key_text + "\nlisten_port=51820\nfwmark=3\npublic_key=" + other_text +
                            "\npreshared_key=" + none_text +
                            "\nprotocol_version=1\nendpoint=192.0.2.1:7\nlast_handshake_time_sec=1700000000\n"
                            "last_handshake_time_nsec=42\ntx_bytes=1\nrx_bytes=18446744073709551615\n"
                            "persistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\nallowed_ip=::/0\n");

  StatusReader reader;
  for (std::string_view rest = text.view(); !rest.empty(); rest.remove_prefix(rest.find('\n') + 1))
    REQUIRE_EQ(reader.line(rest.substr(0, rest.find('\n'))), 0);
  CHECK_EQ(reader.line("something_new=x"), 0);
  CHECK_EQ(reader.line("errno=0"), 0);
  CHECK_EQ(reader.result, 0);
  CHECK(reader.interface.private_key.equals(interface.private_key));
  CHECK_EQ(reader.interface.listen_port, 51820);
  REQUIRE_EQ(reader.peers.size(), 1);
  CHECK_EQ(reader.peers[0].last_handshake, peer.last_handshake);
  CHECK_EQ(reader.peers[0].rx_bytes, UINT64_MAX);
  CHECK_EQ(reader.peers[0].allowed_ips, peer.allowed_ips);
  CHECK_EQ(reader.peers[0].endpoint, peer.endpoint);
}

TEST_CASE("settings that are not set have no lines") {
  SecretText text;
  write(text, InterfaceStatus{});
  CHECK(text.empty());
  PeerStatus peer;
  peer.allowed_ips = {*Prefix::parse("::/0")};
  write(text, peer, true);
  CHECK_EQ(text.view(), "allowed_ip=::/0\n");
  text.clear();
  write(text, peer, false);
  CHECK_EQ(text.view().find("endpoint"), std::string::npos);
  CHECK_NE(text.view().find("last_handshake_time_sec=0\nlast_handshake_time_nsec=0\n"), std::string::npos);
}

TEST_CASE("text with keys grows at its end, and is removed at its front") {
  SecretText text;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    text.append(i).append(" ");
    expected += std::to_string(i) + " ";
    if (i % 3 == 0) {
      text.drop_front(2);
      expected.erase(0, 2);
    }
  }
  CHECK_EQ(text.view(), expected);
  SecretText moved = std::move(text);
  CHECK_EQ(moved.view(), expected);
  moved.clear();
  CHECK(moved.empty());
}

}  // namespace
}  // namespace wg4::uapi
