// Errors and warnings for configurations that can be parsed: what cannot work, and what a host does not permit.

#include "shared/base/keys.h"
#include "shared/config/wg_config.h"
#include "wg4netns/profile/judgement.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/hex_base64.h"
#include "wg4netns/crypto/curve25519.h"

using namespace wg4;

namespace {

const std::string private_key = "cHJpdmF0ZWtleXByaXZhdGVrZXlwcml2YXRla2V5MDA=";
const std::string peer_key = "cHVibGlja2V5cHVibGlja2V5cHVibGlja2V5MDAwMDE=";

std::string own_public_key() {
  PrivateKey key;
  REQUIRE(decode_base64(private_key, key.span()));
  return encode_base64(crypto::derive_public_key(key));
}

std::string interface_with(std::string_view lines) {
  return "[Interface]\nPrivateKey = " + private_key + "\n" + std::string(lines) + "\n";
}
std::string peer_with(std::string_view lines, const std::string& key = peer_key) {
  return "[Peer]\nPublicKey = " + key + "\n" + std::string(lines) + "\n";
}

constexpr std::string_view good_interface = "Address = 10.0.0.2/32";
constexpr std::string_view good_peer = "AllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.1:1";

WgConfig parsed(const std::string& text) {
  auto config = WgConfig::parse(text);
  if (!config) FAIL(config.error().message());
  return *std::move(config);
}

/// All warnings, one per line.
std::string warned(const std::string& text, const Permissions& may = {}) {
  WgConfig config = parsed(text);
  if (const auto judged = judge(config, may); !judged) FAIL(judged.error().message());
  std::string all;
  for (const std::string& warning : config.warnings) all += warning + "\n";
  return all;
}

std::string refused(const std::string& text, const Permissions& may = {}) {
  WgConfig config = parsed(text);
  const auto judged = judge(config, may);
  return judged ? "" : judged.error().message();
}

bool has(std::string_view text, std::string_view part) { return text.contains(part); }

}  // namespace

TEST_CASE("a configuration that works has no warnings") {
  CHECK_EQ(warned(interface_with(good_interface) + peer_with(good_peer)), "");
  CHECK_EQ(warned(interface_with("Address = fd00::2\nListenPort = 5") + peer_with("AllowedIPs = 10.0.0.0/8, ::/0")),
           "");
}

TEST_CASE("a peer that has our own key, our private key, or none") {
  const std::string own = warned(interface_with(good_interface) + peer_with(good_peer, own_public_key()));
  CHECK_EQ(own,
           "line 4: this peer's PublicKey is our own, and the peer is left out: the one that the peer calls its own "
           "goes here\n");
  const std::string secret = warned(interface_with(good_interface) + peer_with(good_peer, private_key));
  CHECK(has(secret, "line 4: this peer's PublicKey is our PrivateKey"));
  CHECK_FALSE(has(secret, private_key.substr(0, 16)));
  const std::string zero = std::string(43, 'A') + "=";
  CHECK(has(warned(interface_with(good_interface) + peer_with(good_peer, zero)),
            "line 4: this peer's PublicKey is nobody's"));
  CHECK_EQ(warned("[Interface]\nAddress = 10.0.0.2\n" + peer_with(good_peer)),
           "no PrivateKey: no peer can be talked to\n");
}

TEST_CASE("no packet can pass") {
  CHECK(has(warned(interface_with(good_interface) + peer_with("Endpoint = 192.0.2.1:1")),
            "line 4: this peer has no AllowedIPs"));
  CHECK(has(warned(interface_with(good_interface)), "no [Peer]: there is nobody to talk to"));
  CHECK(has(warned(interface_with("") + peer_with(good_peer)), "no Address: nothing can pass"));
  CHECK(has(warned(interface_with("Address = fd00::2") + peer_with(good_peer)),
            "Address is IPv6 and all AllowedIPs are IPv4: nothing can pass"));
  CHECK(has(warned(interface_with(good_interface) + peer_with("AllowedIPs = ::/0\nEndpoint = 192.0.2.1:1")),
            "Address is IPv4 and all AllowedIPs are IPv6: nothing can pass"));
  CHECK(has(warned(interface_with(good_interface) + peer_with("AllowedIPs = 0.0.0.0/0")),
            "line 4: this peer has no Endpoint, and there is no ListenPort"));
  CHECK_EQ(warned(interface_with("Address = 10.0.0.2\nListenPort = 5") + peer_with("AllowedIPs = 0.0.0.0/0")), "");
  // A peer whose networks have all moved to another has none left.
  const std::string other = "cHVibGlja2V5cHVibGlja2V5cHVibGlja2V5MDAwMDI=";
  const std::string moved = warned(interface_with(good_interface) + peer_with(good_peer) + peer_with(good_peer, other));
  CHECK(has(moved, "moves here from the peer of line 4"));
  CHECK(has(moved, "line 4: this peer has no AllowedIPs"));
}

TEST_CASE("FwMark is removed where marks are not permitted, and only there") {
  const std::string text = interface_with("FwMark = 0xca6c\nAddress = 10.0.0.2") + peer_with(good_peer);
  WgConfig config = parsed(text);
  REQUIRE(judge(config, {.mark = false}));
  CHECK_EQ(config.fwmark, 0);
  REQUIRE_EQ(config.warnings.size(), 1);
  CHECK(has(config.warnings[0], "line 3: FwMark is left out"));
  WgConfig permitted = parsed(text);
  REQUIRE(judge(permitted, {.mark = true}));
  CHECK_EQ(permitted.fwmark, 0xca6c);
  CHECK(permitted.warnings.empty());
}

TEST_CASE("settings with which the start would fail, with their lines") {
  CHECK_EQ(refused(interface_with("Address = 10.0.0.2\nListenPort = 53"), {.listen_port = false}),
           "line 4: ListenPort 53 is below net.ipv4.ip_unprivileged_port_start, and not for ordinary users. Choose a "
           "higher one, or leave it out");
  CHECK(has(refused(interface_with("Address = fd00::2\nMTU = 1000") + peer_with("AllowedIPs = ::/0")),
            "line 4: MTU 1000 is below 1280, the least that IPv6 works with"));
  CHECK(has(refused(interface_with("MTU = 1000") + peer_with("AllowedIPs = ::/0")), "line 3: MTU 1000"));
  // IPv4 works without IPv6, and without routes no route can be refused.
  CHECK_EQ(refused(interface_with("Address = fd00::2, 10.0.0.2\nMTU = 1000") + peer_with("AllowedIPs = ::/0")), "");
  CHECK_EQ(refused(interface_with("Table = off\nMTU = 1000") + peer_with("AllowedIPs = ::/0")), "");
}

TEST_CASE("hooks are not needed unless Table says otherwise") {
  const std::string hooks = "PostUp = ip rule add from 10.0.0.2 table 1234\nAddress = 10.0.0.2\n";
  CHECK(has(warned(interface_with(hooks) + peer_with(good_peer)), "the tunnel needs no firewall or routing commands"));
  for (const auto* table : {"off", "1234"}) {
    const std::string said = warned(interface_with(hooks + "Table = " + table) + peer_with(good_peer));
    CHECK_FALSE(has(said, "needs no"));
    CHECK(has(said, "do not run: the rules and routes that they would make are missing"));
    CHECK(has(said, std::string("line 5: Table = ") + table));
  }
}

TEST_CASE("Table without hooks is a warning, too, unless it is the main table or there are no routes") {
  const std::string address = "Address = 10.0.0.2\n";
  CHECK(has(warned(interface_with(address + "Table = off") + peer_with(good_peer)),
            "line 4: Table = off: no route is made"));
  CHECK(has(warned(interface_with(address + "Table = 52") + peer_with(good_peer)), "no rule leads there"));
  CHECK_EQ(warned(interface_with(address + "Table = 254") + peer_with(good_peer)), "");
  CHECK_FALSE(has(warned(interface_with(address + "Table = off")), "Table"));
}

TEST_CASE("a DNS server that no peer leads to") {
  const auto said = [](std::string_view allowed) {
    return warned(interface_with("Address = 10.0.0.2/24\nDNS = 10.0.0.1, lan") +
                  peer_with("Endpoint = 192.0.2.1:1\nAllowedIPs = " + std::string(allowed)));
  };
  CHECK(has(said("10.1.0.0/16"), "DNS server 10.0.0.1 cannot be asked through the tunnel"));
  CHECK_EQ(said("0.0.0.0/0"), "");
  CHECK_EQ(said("10.1.0.0/16, 10.0.0.1"), "");
}

TEST_CASE("SaveConfig is a warning") {
  CHECK(has(warned(interface_with("Address = 10.0.0.2\nSaveConfig = true") + peer_with(good_peer)),
            "line 4: SaveConfig: the file is never written"));
}

TEST_CASE("the permissions are tried on this host, without a lasting effect") {
  WgConfig config = parsed(interface_with("ListenPort = 65000\nFwMark = 1"));
  CHECK(ask_kernel(config).listen_port);
  CHECK(ask_kernel(parsed("")).mark);  // a setting that is not used is not refused
}
