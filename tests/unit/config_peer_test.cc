// The settings of [Peer], one by one, and several sections merged.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/hex_base64.h"
#include "shared/config/wg_config.h"
#include "tests/unit/config_support.h"

using namespace wg4;
using namespace wg4::config_test;

namespace {

std::string peer(const std::string& key, std::string_view lines) {
  return "[Peer]\nPublicKey=" + key + "\n" + std::string(lines) + "\n";
}

std::string refused_value(std::string_view line) {
  const std::string message = refused(peer_with(line));
  CHECK(message.starts_with("line 3: "));
  return message;
}

}  // namespace

TEST_CASE("PublicKey is required, at any place in the section") {
  CHECK_EQ(allowed_ips(accepted("[Peer]\nAllowedIPs = 10.0.0.1\nPublicKey = " + key_a)), "10.0.0.1/32");
  const auto* message =
      "line 1: this [Peer] has no PublicKey. Add the line 'PublicKey = ' with the key that the peer's wg pubkey prints";
  CHECK_EQ(refused("[Peer]\nAllowedIPs = 10.0.0.1\n"), message);
  CHECK_EQ(refused("[Peer]\n" + peer(key_a, "")), message);
  CHECK(has(refused(peer(key_a, "") + "\n[Peer]\n"), "line 5: this [Peer] has no PublicKey"));
}

TEST_CASE("PublicKey and PresharedKey must be keys") {
  CHECK(has(refused("[Peer]\nPublicKey = x"), "line 2: PublicKey: its value is not a key"));
  CHECK(has(refused_value("PresharedKey = x"), "line 3: PresharedKey: its value is not a key"));
  CHECK_EQ(encode_base64(accepted(peer_with("PresharedKey = " + preshared_key)).peers.at(0).preshared_key.span()),
           preshared_key);
  CHECK(accepted(peer_with("")).peers.at(0).preshared_key.is_zero());
}

TEST_CASE("PersistentKeepalive is off or seconds") {
  const auto keepalive = [](const char* value) {
    return accepted(peer_with("PersistentKeepalive = " + std::string(value))).peers.at(0).persistent_keepalive_s;
  };
  CHECK_EQ(keepalive("off"), 0);
  CHECK_EQ(keepalive("Off"), 0);
  CHECK_EQ(keepalive("0"), 0);
  CHECK_EQ(keepalive("025"), 25);
  CHECK_EQ(keepalive("65535"), 65535);
  for (const auto* value : {"65536", "-1", "x", "0x10", "25s"}) {
    CAPTURE(value);
    CHECK(has(refused_value("PersistentKeepalive = " + std::string(value)), "is not a number of seconds"));
  }
}

TEST_CASE("AllowedIPs: a comma list, repeatable, /32 and /128 by default, each once") {
  const WgConfig config =
      accepted(peer_with("AllowedIPs = 10.0.0.1, fd00::1,10.1.0.0/16\nAllowedIPs = 0.0.0.0/0, 10.0.0.1/32,::/0"));
  CHECK_EQ(allowed_ips(config), "10.0.0.1/32 fd00::1/128 10.1.0.0/16 0.0.0.0/0 ::/0");
  CHECK(config.warnings.empty());
}

TEST_CASE("AllowedIPs: host bits are masked with a warning") {
  const WgConfig config = accepted(peer_with("AllowedIPs = 10.1.2.3/8\nAllowedIPs = fd00::1/64, 10.0.0.0/8"));
  CHECK_EQ(allowed_ips(config), "10.0.0.0/8 fd00::/64");
  REQUIRE_EQ(config.warnings.size(), 2);
  CHECK_EQ(config.warnings[0], "line 3: AllowedIPs 10.1.2.3/8 has host bits and means 10.0.0.0/8");
  CHECK_EQ(config.warnings[1], "line 4: AllowedIPs fd00::1/64 has host bits and means fd00::/64");
}

TEST_CASE("AllowedIPs: empty entries and bad ones") {
  for (const auto* value : {"10.0.0.1,", ",10.0.0.1", "10.0.0.1,,10.0.0.2", ",", "+", "-"}) {
    CAPTURE(value);
    CHECK(has(refused_value("AllowedIPs = " + std::string(value)),
              "AllowedIPs: the list has an empty entry. Remove the comma"));
  }
  for (const auto* value : {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0/8", "host",
                            "10.0.0.0/8/8", "++10.0.0.0/8", "10.0.0.1 10.0.0.2"}) {
    CAPTURE(value);
    CHECK(has(refused_value("AllowedIPs = " + std::string(value)), "is not an IP address with a prefix length"));
  }
}

TEST_CASE("AllowedIPs: '-' removes an entry, '+' adds one, in the order of the file") {
  CHECK_EQ(allowed_ips(accepted(peer_with("AllowedIPs = 10.0.0.0/8, 10.1.0.0/16, -10.0.0.0/8"))), "10.1.0.0/16");
  CHECK_EQ(allowed_ips(accepted(peer_with("AllowedIPs = -10.0.0.0/8, 10.0.0.0/8"))), "10.0.0.0/8");
  CHECK_EQ(allowed_ips(accepted(peer_with("AllowedIPs = +10.0.0.1, + fd00::/64"))), "10.0.0.1/32 fd00::/64");
  CHECK_EQ(allowed_ips(accepted(peer_with("AllowedIPs = 10.0.0.1\nAllowedIPs = -10.0.0.1"))), "");
  CHECK_EQ(allowed_ips(accepted(peer_with("AllowedIPs = 10.1.0.0/16, -10.1.2.3/16"))), "");  // masked, too
}

TEST_CASE("a repeated peer: its AllowedIPs are replaced") {
  const WgConfig config =
      accepted(peer(key_a, "AllowedIPs = 10.0.0.1, 10.0.0.2") + peer(key_b, "AllowedIPs = 10.0.0.9") +
               peer(key_a, "AllowedIPs = 10.0.0.2, 10.0.0.3"));
  REQUIRE_EQ(config.peers.size(), 2);
  CHECK_EQ(allowed_ips(config, 0), "10.0.0.2/32 10.0.0.3/32");
  CHECK_EQ(allowed_ips(config, 1), "10.0.0.9/32");
  CHECK_EQ(config.peers[0].line, 1);
  CHECK_EQ(allowed_ips(accepted(peer(key_a, "AllowedIPs = 10.0.0.1") + peer(key_a, ""))), "");
}

TEST_CASE("a repeated peer gets a warning that says what becomes of its AllowedIPs") {
  const WgConfig replaced = accepted(peer(key_a, "AllowedIPs = 10.0.0.1") + peer(key_a, "AllowedIPs = 10.0.0.2"));
  CHECK_EQ(replaced.warnings, std::vector<std::string>{
                                  "line 4: this [Peer] has the PublicKey of the one of line 1: both are one peer, and "
                                  "its AllowedIPs are those of this section alone"});
  const WgConfig added = accepted(peer(key_a, "AllowedIPs = 10.0.0.1") + peer(key_a, "AllowedIPs = +10.0.0.2"));
  CHECK_EQ(added.warnings,
           std::vector<std::string>{"line 4: this [Peer] has the PublicKey of the one of line 1: both are one peer"});
  CHECK_EQ(accepted(peer(key_a, "") + peer(key_b, "") + peer(key_a, "") + peer(key_a, "")).warnings.size(), 2);
}

TEST_CASE("a repeated peer: '+' and '-' change what it has") {
  const std::string first = peer(key_a, "AllowedIPs = 10.0.0.1, 10.0.0.2");
  CHECK_EQ(allowed_ips(accepted(first + peer(key_a, "AllowedIPs = +10.0.0.3, -10.0.0.1"))), "10.0.0.2/32 10.0.0.3/32");
  // In wg it is the last AllowedIPs line that decides whether the section replaces.
  CHECK_EQ(allowed_ips(accepted(first + peer(key_a, "AllowedIPs = +10.0.0.3\nAllowedIPs = 10.0.0.4"))),
           "10.0.0.3/32 10.0.0.4/32");
  CHECK_EQ(allowed_ips(accepted(first + peer(key_a, "AllowedIPs = 10.0.0.4\nAllowedIPs = +10.0.0.3"))),
           "10.0.0.1/32 10.0.0.2/32 10.0.0.4/32 10.0.0.3/32");
}

TEST_CASE("a repeated peer: other settings stay unless named again") {
  const WgConfig config = accepted(
      peer(key_a, "# friendly_name = laptop\nEndpoint = 192.0.2.1:5\nPersistentKeepalive = 25\nPresharedKey = " +
                      preshared_key) +
      peer(key_a, "Endpoint = 192.0.2.2:6"));
  REQUIRE_EQ(config.peers.size(), 1);
  CHECK_EQ(to_string(*config.peers[0].endpoint), "192.0.2.2:6");
  CHECK_EQ(config.peers[0].persistent_keepalive_s, 25);
  CHECK_EQ(encode_base64(config.peers[0].preshared_key.span()), preshared_key);
  CHECK_EQ(config.peers[0].friendly_name, "laptop");
  CHECK_EQ(accepted(peer(key_a, "PersistentKeepalive = 25") + peer(key_a, "PersistentKeepalive = off"))
               .peers[0]
               .persistent_keepalive_s,
           0);
}

TEST_CASE("a prefix belongs to one peer, the last that names it") {
  const std::string a = peer(key_a, "AllowedIPs = 10.0.0.1, 10.0.0.2");
  const WgConfig moved = accepted(a + peer(key_b, "AllowedIPs = 10.0.0.1"));
  CHECK_EQ(allowed_ips(moved, 0), "10.0.0.2/32");
  CHECK_EQ(allowed_ips(moved, 1), "10.0.0.1/32");
  REQUIRE_EQ(moved.warnings.size(), 1);
  CHECK_EQ(moved.warnings[0],
           "line 6: AllowedIPs 10.0.0.1/32 moves here from the peer of line 1; a prefix belongs to one peer, the last");

  const WgConfig back = accepted(a + peer(key_b, "AllowedIPs = 10.0.0.1") + peer(key_a, "AllowedIPs = +10.0.0.1"));
  CHECK_EQ(allowed_ips(back, 0), "10.0.0.2/32 10.0.0.1/32");
  CHECK_EQ(allowed_ips(back, 1), "");

  // A section removes only prefixes of its own peer.
  CHECK_EQ(allowed_ips(accepted(a + peer(key_b, "AllowedIPs = -10.0.0.1")), 0), "10.0.0.1/32 10.0.0.2/32");
  // Prefixes that a replacement has removed can be given to another peer.
  const WgConfig freed = accepted(a + peer(key_a, "") + peer(key_b, "AllowedIPs = 10.0.0.1"));
  CHECK_EQ(allowed_ips(freed, 1), "10.0.0.1/32");
  REQUIRE_EQ(freed.warnings.size(), 1);  // about the repeated peer, and about no move
  CHECK(has(freed.warnings[0], "both are one peer"));
  // Nested prefixes are different prefixes.
  CHECK(accepted(a + peer(key_b, "AllowedIPs = 10.0.0.0/8")).warnings.empty());
}

TEST_CASE("friendly_name is a comment of the peer's section") {
  const auto name = [](std::string_view text) { return accepted(text).peers.at(0).friendly_name; };
  CHECK_EQ(name(peer_with("# friendly_name=laptop")), "laptop");
  CHECK_EQ(name(peer_with("#friendly_name = Anna's = phone \r")), "Anna's = phone");
  CHECK_EQ(name("[Peer]\n# friendly_name=first\nPublicKey = " + key_a + "\n# friendly_name=second\n"), "second");
  CHECK_EQ(name("[Interface]\n# friendly_name=laptop\n" + peer_with("# friendly_name\n# unfriendly_name=x")), "");
  CHECK_EQ(name(peer_with("[Interface]\n# friendly_name=x")), "");
  CHECK_EQ(name(peer_with("AllowedIPs = ::/0 # friendly_name=x")), "");
}
