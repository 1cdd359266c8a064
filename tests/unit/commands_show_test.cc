// What `show` prints is what wg prints, to the byte: the expected text was printed by wg for the same answers.

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/hex_base64.h"
#include "shared/net/endpoint.h"
#include "shared/net/prefix.h"
#include "wg4netns/commands/reload.h"
#include "wg4netns/commands/show_text.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/time.h"
#include "wg4netns/uapi/codec.h"

namespace wg4 {
namespace {

const std::string private_text = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEA=";
const std::string public_text = "L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=";
const std::string peer_text = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

template <class Key>
void set_key(Key& key, const std::string& text) {
  REQUIRE(decode_base64(text, ByteSpan(key.data(), key.size())));
}

PeerStatus peer_of(const std::string& key) {
  PeerStatus peer;
  set_key(peer.public_key, key);
  return peer;
}

show::Tunnel example() {
  show::Tunnel tunnel;
  tunnel.name = "wg0";
  set_key(tunnel.status.interface.private_key, private_text);
  tunnel.status.interface.listen_port = 51820;
  tunnel.status.interface.fwmark = 51;
  PeerStatus peer = peer_of(peer_text);
  set_key(peer.preshared_key, private_text);
  peer.endpoint = Endpoint::parse("[fd00::1]:7");
  peer.last_handshake = WallTime(std::chrono::seconds(1000));
  peer.rx_bytes = 1023;
  peer.tx_bytes = 5UL * 1024 * 1024 * 1024;
  peer.persistent_keepalive_s = 61;
  peer.allowed_ips = {*Prefix::parse("10.0.0.0/8"), *Prefix::parse("::/0")};
  tunnel.status.peers.push_back(std::move(peer));
  tunnel.status.peers.push_back(peer_of(public_text));
  tunnel.own = {{"cipher", "avx2"},
                {"tun_queues", "8"},
                {"drop_no-route", "3"},
                {"drop_bad-tag", "0"},
                {"diagnosis", public_text + " no answer"},
                {"warning", "all can read \"it\""}};
  return tunnel;
}

WallTime after(std::int64_t seconds) { return WallTime(std::chrono::seconds(1000 + seconds)); }

std::string json_of(const std::string& path) {
  std::vector<show::Tunnel> tunnels(1);
  tunnels.front().name = "wg0";
  tunnels.front().own = {{"config", path}};
  return show::json(tunnels, {});
}

TEST_CASE("JSON, whatever bytes a path has") {
  CHECK_NE(json_of("/a/My \"home\"\\t\n\x1b.conf").find(R"("config": "/a/My \"home\"\\t\n\u001b.conf")"),
           std::string::npos);
  CHECK_NE(json_of("/caf\xe9/caf\xc3\xa9").find("\"config\": \"/caf\\udce9/caf\xc3\xa9\""), std::string::npos);
}

TEST_CASE("a path cannot move a terminal's cursor or end a line") {
  show::Tunnel tunnel;
  tunnel.name = "wg0";
  tunnel.own = {{"config", "/a\\b\x1b[2J\n  mtu: 1"}};
  CHECK_NE(show::pretty(tunnel, WallTime{}, {}).find("config: /a\\b\\x1b[2J\\n  mtu: 1\n"), std::string::npos);
  CHECK_EQ(show::field(tunnel, "details", false).value(), "config\t/a\\\\b\\x1b[2J\\n  mtu: 1\n");
}

TEST_CASE("for people") {
  show::Tunnel tunnel = example();
  CHECK_EQ(show::pretty(tunnel, after(86400 + 2 * 3600 + 61), {}),
           "interface: wg0\n"
           "  public key: " +
               public_text +
               "\n"
               "  private key: (hidden)\n"
               "  listening port: 51820\n"
               "  fwmark: 0x33\n"
               "\n"
               "peer: " +
               peer_text +
               "\n"
               "  preshared key: (hidden)\n"
               "  endpoint: [fd00::1]:7\n"
               "  allowed ips: 10.0.0.0/8, ::/0\n"
               "  latest handshake: 1 day, 2 hours, 1 minute, 1 second ago\n"
               "  transfer: 1023 B received, 5.00 GiB sent\n"
               "  persistent keepalive: every 1 minute, 1 second\n"
               "\n"
               "peer: " +
               public_text +
               "\n"
               "  allowed ips: (none)\n"
               "\n"
               "details: wg0\n"
               "  cipher: avx2\n"
               "  tun queues: 8\n"
               "  diagnosis: peer " +
               public_text +
               ": no answer\n"
               "  warning: all can read \"it\"\n"
               "  dropped packets: 3 no-route\n");
}

TEST_CASE("keys where they are asked for, colours on a terminal, and clocks that went back") {
  show::Tunnel tunnel = example();
  const std::string text = show::pretty(tunnel, after(-1), {.colour = true, .keys = true});
  CHECK_NE(text.find("\x1b[32m\x1b[1minterface\x1b[0m: \x1b[32mwg0\x1b[0m\n"), std::string::npos);
  CHECK_NE(text.find("  \x1b[1mprivate key\x1b[0m: " + private_text + "\n"), std::string::npos);
  CHECK_NE(text.find("10.0.0.0\x1b[36m/\x1b[0m8, "), std::string::npos);
  CHECK_NE(text.find("(\x1b[31mSystem clock wound backward"), std::string::npos);
  CHECK_NE(show::pretty(tunnel, after(0), {}).find("latest handshake: Now\n"), std::string::npos);
}

TEST_CASE("the peer with the latest handshake comes first") {
  show::Tunnel tunnel = example();
  std::swap(tunnel.status.peers[0], tunnel.status.peers[1]);
  const std::string text = show::pretty(tunnel, after(0), {});
  CHECK_LT(text.find("peer: " + peer_text), text.find("peer: " + public_text));
}

TEST_CASE("for programs") {
  const show::Tunnel tunnel = example();
  CHECK_EQ(show::field(tunnel, "dump", false), private_text + "\t" + public_text + "\t51820\t0x33\n" + peer_text +
                                                   "\t" + private_text +
                                                   "\t[fd00::1]:7\t10.0.0.0/8,::/0\t1000\t1023\t5368709120\t61\n" +
                                                   public_text + "\t(none)\t(none)\t(none)\t0\t0\t0\toff\n");
  CHECK_EQ(show::field(tunnel, "listen-port", true), "wg0\t51820\n");
  CHECK_EQ(show::field(tunnel, "public-key", false), public_text + "\n");
  CHECK_EQ(show::field(tunnel, "fwmark", false), "0x33\n");
  CHECK_EQ(show::field(tunnel, "peers", true), "wg0\t" + peer_text + "\nwg0\t" + public_text + "\n");
  CHECK_EQ(show::field(tunnel, "allowed-ips", false), peer_text + "\t10.0.0.0/8 ::/0\n" + public_text + "\t(none)\n");
  CHECK_EQ(show::field(tunnel, "transfer", false), peer_text + "\t1023\t5368709120\n" + public_text + "\t0\t0\n");
  CHECK_EQ(show::field(tunnel, "drops", false), "no-route\t3\nbad-tag\t0\n");
  CHECK_EQ(show::field(tunnel, "details", true), "wg0\tcipher\tavx2\nwg0\ttun_queues\t8\nwg0\tdiagnosis\t" +
                                                     public_text + " no answer\n" +
                                                     "wg0\twarning\tall can read \"it\"\n");
  CHECK_FALSE(show::field(tunnel, "nothing", false).has_value());
  show::Tunnel empty;
  CHECK_EQ(show::field(empty, "dump", false), "(none)\t(none)\t0\toff\n");
}

TEST_CASE("as JSON") {
  std::vector<show::Tunnel> tunnels;
  tunnels.push_back(example());
  tunnels[0].status.peers.pop_back();
  CHECK_EQ(
      show::json(tunnels, {}),
      "{\n\t\"wg0\": {\n\t\t\"privateKey\": \"(hidden)\",\n\t\t\"publicKey\": \"" + public_text +
          "\",\n\t\t\"listenPort\": 51820,\n\t\t\"fwmark\": 51,\n\t\t\"peers\": {\n\t\t\t\"" + peer_text +
          "\": {\n\t\t\t\t\"presharedKey\": \"(hidden)\",\n\t\t\t\t\"endpoint\": \"[fd00::1]:7\",\n"
          "\t\t\t\t\"latestHandshake\": 1000,\n\t\t\t\t\"transferRx\": 1023,\n\t\t\t\t\"transferTx\": 5368709120,\n"
          "\t\t\t\t\"persistentKeepalive\": 61,\n\t\t\t\t\"allowedIps\": [\n\t\t\t\t\t\"10.0.0.0/8\",\n"
          "\t\t\t\t\t\"::/0\"\n\t\t\t\t]\n\t\t\t}\n\t\t},\n\t\t\"details\": {\n\t\t\t\"cipher\": \"avx2\",\n"
          "\t\t\t\"tun_queues\": 8\n\t\t},\n\t\t\"drops\": {\n\t\t\t\"no-route\": 3,\n\t\t\t\"bad-tag\": 0\n"
          "\t\t},\n\t\t\"diagnoses\": {\n\t\t\t\"" +
          public_text +
          "\": \"no answer\"\n\t\t},\n\t\t\"warnings\": [\n\t\t\t\"all can read \\\"it\\\"\"\n\t\t]\n\t}\n}\n");
}

// ---------------------------------------------------------------- reload

PeerChange wanted_peer(const std::string& key) {
  PeerChange peer;
  set_key(peer.public_key, key);
  peer.preshared_key.emplace();
  peer.persistent_keepalive_s = 0;
  peer.replace_allowed_ips = true;
  return peer;
}

TEST_CASE("what is the same is not sent; what is gone goes first") {
  uapi::StatusReader running;
  running.interface.listen_port = 5;
  running.peers.push_back(peer_of(peer_text));
  running.peers[0].allowed_ips = {*Prefix::parse("10.0.0.0/8"), *Prefix::parse("::/0")};
  DeviceChange wanted;
  wanted.private_key.emplace();
  wanted.listen_port = 0;
  wanted.fwmark = 0;
  wanted.replace_peers = true;
  PeerChange& same = wanted.peers.emplace_back(wanted_peer(peer_text));
  same.allowed_ips = {{.prefix = *Prefix::parse("::/0")}, {.prefix = *Prefix::parse("10.0.0.0/8")}};
  CHECK(uapi::is_empty(difference(std::move(wanted), running)));

  DeviceChange other;
  set_key(other.private_key.emplace(), private_text);
  other.listen_port = 6;
  other.peers.push_back(wanted_peer(public_text));
  const DeviceChange change = difference(std::move(other), running);
  CHECK(change.private_key.has_value());
  CHECK_EQ(change.listen_port, 6);
  CHECK_FALSE(change.replace_peers);
  REQUIRE_EQ(change.peers.size(), 2);
  CHECK(change.peers[0].remove);
  CHECK_EQ(encode_base64(change.peers[0].public_key), peer_text);
  CHECK_EQ(encode_base64(change.peers[1].public_key), public_text);
}

TEST_CASE("of a peer only what differs is sent") {
  uapi::StatusReader running;
  running.peers.push_back(peer_of(peer_text));
  running.peers[0].endpoint = Endpoint::parse("1.2.3.4:5");
  set_key(running.peers[0].preshared_key, private_text);
  DeviceChange wanted;
  wanted.peers.push_back(wanted_peer(peer_text));
  wanted.peers[0].endpoint = Endpoint::parse("1.2.3.4:6");
  const DeviceChange change = difference(std::move(wanted), running);
  REQUIRE_EQ(change.peers.size(), 1);
  CHECK_EQ(change.peers[0].endpoint, Endpoint::parse("1.2.3.4:6"));
  CHECK(change.peers[0].preshared_key->is_zero());
  CHECK_FALSE(change.peers[0].persistent_keepalive_s.has_value());
  CHECK_FALSE(change.peers[0].replace_allowed_ips);
}

}  // namespace
}  // namespace wg4
