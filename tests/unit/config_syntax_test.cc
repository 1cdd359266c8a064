#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Lines, sections, comments and white space: the syntax of a file, independent of its settings.

#include "shared/base/hex_base64.h"
#include "shared/config/wg_config.h"
#include "tests/unit/config_support.h"

using namespace wg4;
using namespace wg4::config_test;
using namespace std::string_view_literals;

TEST_CASE("a whole file, as providers write them") {
  const WgConfig config = accepted(
      "# made by hand\n"
      "[Interface]\n"
      "PrivateKey = " +
      private_key +
      "\n"
      "Address = 10.66.0.2/32, fd66::2/128\n"
      "DNS = 10.66.0.1\n"
      "\n"
      "[Peer]\n"
      "PublicKey = " +
      key_a +
      "\n"
      "PresharedKey = " +
      preshared_key +
      "\n"
      "AllowedIPs = 0.0.0.0/0, ::/0\n"
      "Endpoint = vpn.example.com:51820\n"
      "PersistentKeepalive = 25\n");
  CHECK_EQ(encode_base64(config.private_key.span()), private_key);
  CHECK_EQ(joined(config.addresses), "10.66.0.2/32 fd66::2/128");
  REQUIRE_EQ(config.dns_servers.size(), 1);
  REQUIRE_EQ(config.peers.size(), 1);
  const PeerConfig& peer = config.peers[0];
  CHECK_EQ(encode_base64(peer.public_key), key_a);
  CHECK_EQ(encode_base64(peer.preshared_key.span()), preshared_key);
  CHECK_EQ(allowed_ips(config), "0.0.0.0/0 ::/0");
  REQUIRE(peer.endpoint);
  CHECK_EQ(to_string(*peer.endpoint), "vpn.example.com:51820");
  CHECK_EQ(peer.persistent_keepalive_s, 25);
  CHECK_EQ(peer.line, 7);
  CHECK(config.warnings.empty());
}

TEST_CASE("an empty file is a config") {
  for (const auto text :
       {""sv, "\n"sv, "# nothing\n"sv, " \t\n\r\n"sv, "\0\0\0"sv, "[Interface]"sv, "[Interface]\n[Interface]\n"sv}) {
    const WgConfig config = accepted(text);
    CHECK(config.private_key.is_zero());
    CHECK_EQ(config.listen_port, 0);
    CHECK_EQ(config.fwmark, 0);
    CHECK(config.peers.empty());
    CHECK(config.addresses.empty());
    CHECK_FALSE(config.mtu);
    CHECK_EQ(config.table, RouteTable::automatic);
    CHECK_FALSE(config.save_config);
    CHECK(config.hooks.empty());
  }
}

TEST_CASE("comments start anywhere") {
  CHECK_EQ(accepted("#x\n  # y\n[Interface] # z\nListenPort = 5#6\n").listen_port, 5);
  CHECK_EQ(accepted(interface_with("ListenPort = 5 # = 6")).listen_port, 5);
  CHECK(has(refused(interface_with("ListenPort # = 5")), "line 2: this is neither"));
  CHECK(has(refused(interface_with("ListenPort = # 5")), "line 2: ListenPort has no value"));
}

TEST_CASE("keys and sections in any case") {
  const WgConfig config = accepted("[iNTERFACE]\nlistenport=5\nMtU=1400\nADDRESS=10.0.0.1\n[PEER]\npublickey=" + key_a +
                                   "\nallowedips=10.0.0.2\n");
  CHECK_EQ(config.listen_port, 5);
  CHECK_EQ(config.mtu, 1400);
  CHECK_EQ(config.addresses.size(), 1);
  CHECK_EQ(allowed_ips(config), "10.0.0.2/32");
}

TEST_CASE("CRLF line ends, and no line end at all") {
  const WgConfig config =
      accepted("[Interface]\r\nListenPort = 5\r\nTable = off\r\nPostUp = echo\r\n[Peer]\r\nPublicKey = " + key_a);
  CHECK_EQ(config.listen_port, 5);
  CHECK_EQ(config.table, RouteTable::off);
  CHECK_EQ(config.hooks.post_up, std::vector<std::string>{"echo"});
  CHECK_EQ(config.peers.size(), 1);
}

TEST_CASE("white space inside headers, wg's key names and wg's values is deleted") {
  std::string spaced;
  for (const char c : key_a) spaced.append(1, c).append(" \t");
  const WgConfig config =
      accepted("[ Inter face ]\n Listen\tPort = 5 1 8 2 0\nFw Mark = 0x 1 0\n[ P e e r ]\nPublic Key = " + spaced +
               "\nAllowed IPs = 1 0.0.0.0 / 8 ,\v192.168.0.0/16\nEnd point = [fd00 :: 1] : 5\n");
  CHECK_EQ(config.listen_port, 51820);
  CHECK_EQ(config.fwmark, 16);
  CHECK_EQ(encode_base64(config.peers.at(0).public_key), key_a);
  CHECK_EQ(allowed_ips(config), "10.0.0.0/8 192.168.0.0/16");
  CHECK_EQ(to_string(*config.peers[0].endpoint), "[fd00::1]:5");
}

TEST_CASE("white space inside wg-quick's key names is not") {
  CHECK(has(refused(interface_with("Add ress = 10.0.0.1")), "line 2: unknown key 'Add ress'"));
  CHECK(has(refused(interface_with("Post Up = x")), "line 2: unknown key 'Post Up'"));
}

TEST_CASE("NUL bytes are ignored") {
  const WgConfig config = accepted("[Interface]\0\nListenPort\0 = 5\0001\0\nMTU = 1400\0\nPostUp = a\0b\n"sv);
  CHECK_EQ(config.listen_port, 51);
  CHECK_EQ(config.mtu, 1400);
  CHECK_EQ(config.hooks.post_up, std::vector<std::string>{"ab"});
}

TEST_CASE("[Interface] may come again, and after a [Peer]") {
  const WgConfig config = accepted("[Interface]\nListenPort = 5\n[Peer]\nPublicKey = " + key_a +
                                   "\n[Interface]\nMTU = 1400\nListenPort = 6\n");
  CHECK_EQ(config.listen_port, 6);
  CHECK_EQ(config.mtu, 1400);
  CHECK_EQ(config.peers.size(), 1);
}

TEST_CASE("an unknown key names itself, its line and what there is instead") {
  const std::string message = refused("[Interface]\n\nFoo = 1\n");
  CHECK(has(message, "line 3: unknown key 'Foo'. The keys of [Interface] are PrivateKey ListenPort"));
  CHECK_FALSE(has(message, "PublicKey"));
  CHECK(has(refused(peer_with("Bar = 1")), "line 3: unknown key 'Bar'. The keys of [Peer] are PublicKey"));
  CHECK(has(refused("Foo = 1\n"), "line 1: unknown key 'Foo'. Put a section in front"));
}

TEST_CASE("a mistyped key gets a suggestion") {
  for (const auto& [typed, meant] : {std::pair{"Adress", "Address"},
                                     {"PrivatKey", "PrivateKey"},
                                     {"AllowedIP", "AllowedIPs"},
                                     {"Allowed-IPs", "AllowedIPs"},
                                     {"PublciKey", "PublicKey"},
                                     {"EndPoints", "Endpoint"},
                                     {"DNS1", "DNS"},
                                     {"PreShareKey", "PresharedKey"}}) {
    CAPTURE(typed);
    CHECK_EQ(refused(interface_with(std::string(typed) + " = x")),
             "line 2: unknown key '" + std::string(typed) + "'. Did you mean " + meant + "?");
  }
}

TEST_CASE("a known key in the wrong place says where it belongs") {
  CHECK_EQ(refused("ListenPort = 1\n"), "line 1: ListenPort comes before any section. Move it below [Interface]");
  CHECK_EQ(refused("AllowedIPs = 10.0.0.1\n"), "line 1: AllowedIPs comes before any section. Move it below [Peer]");
  CHECK_EQ(refused(peer_with("ListenPort = 1")), "line 3: ListenPort does not belong here. Move it below [Interface]");
  CHECK_EQ(refused(interface_with("AllowedIPs = ::/0")),
           "line 2: AllowedIPs does not belong here. Move it below [Peer]");
}

TEST_CASE("wg-quick's keys belong under [Interface] alone") {
  for (const auto* line : {"Address = 10.0.0.1", "DNS = 10.0.0.1", "MTU = 1400", "Table = off", "PreUp = x",
                           "PostUp = x", "PreDown = x", "PostDown = x", "SaveConfig = true"}) {
    CAPTURE(line);
    CHECK(has(refused(peer_with(line)), "line 3: "));
    CHECK(has(refused(peer_with(line)), " does not belong here. Move it below [Interface]"));
  }
}

TEST_CASE("an unknown section names itself") {
  CHECK_EQ(refused("[Interface]\n[Foo]\n"), "line 2: unknown section '[Foo]'. The sections are [Interface] and [Peer]");
  for (const auto* header : {"[Peer", "[]", "[Peer] x", "[Peer]=", "[Interface][Peer]", "["}) {
    CAPTURE(header);
    CHECK(has(refused(header), "line 1: unknown section"));
  }
}

TEST_CASE("a line that is not a setting") {
  CHECK(has(refused(interface_with("ListenPort")),
            "line 2: this is neither a [Section] nor a setting. Write 'Key = value'"));
  CHECK(has(refused(interface_with("= 5")), "line 2: unknown key ''"));
}

TEST_CASE("an empty value is an error for wg's keys and SaveConfig") {
  for (const auto* key : {"PrivateKey", "ListenPort", "FwMark"}) {
    CAPTURE(key);
    CHECK_EQ(refused(interface_with(std::string(key) + " =")),
             "line 2: " + std::string(key) + " has no value. Give it one, or remove the line");
  }
  for (const auto* key : {"PublicKey", "PresharedKey", "AllowedIPs", "Endpoint", "PersistentKeepalive"}) {
    CAPTURE(key);
    CHECK(has(refused(peer_with(std::string(key) + " = \t")), "line 3: " + std::string(key) + " has no value"));
  }
  CHECK(has(refused(interface_with("SaveConfig =")), "line 2: SaveConfig: '' is neither true nor false"));
}

TEST_CASE("an empty value means none for the other keys of wg-quick") {
  const WgConfig config =
      accepted(interface_with("Address =\nDNS =\nMTU =\nTable =\nPreUp =\nPostUp =\nPreDown =\nPostDown ="));
  CHECK(config.addresses.empty());
  CHECK(config.dns_servers.empty());
  CHECK(config.dns_search.empty());
  CHECK_FALSE(config.mtu);
  CHECK_EQ(config.table, RouteTable::automatic);
  CHECK(config.hooks.empty());
}

TEST_CASE("a byte order mark in front of UTF-8 is ignored") {
  CHECK_EQ(accepted("\xef\xbb\xbf[Interface]\nListenPort = 5\n").listen_port, 5);
  CHECK_EQ(accepted("\xef\xbb\xbf# a comment\r\n[Interface]\r\nListenPort = 5\r\n").listen_port, 5);
  accepted("\xef\xbb\xbf");
  // Only there, and only once.
  CHECK_EQ(refused("[Interface]\n\xef\xbb\xbfListenPort = 5\n").substr(0, 56),
           "line 2: what is in front of '=' has the character U+FEFF");
  CHECK(has(refused("\xef\xbb\xbf\xef\xbb\xbf[Interface]\n"), "line 1: "));
}

TEST_CASE("UTF-16 is reported as such, with a byte order mark and without") {
  for (const auto text :
       {"\xff\xfe[\0I\0"sv, "\xfe\xff\0[\0I"sv, "[\0I\0n\0t\0"sv, "\0[\0I\0n\0t"sv, "#\0\r\0\n\0"sv}) {
    CHECK_EQ(refused(text), "line 1: the file is UTF-16 text, as some Windows programs save it. Save it as UTF-8");
  }
}

TEST_CASE("a character that looks like an ASCII character is named") {
  CHECK(has(refused(interface_with("ListenPort\xc2\xa0= 5")),
            "line 2: what is in front of '=' has the character U+00A0. "));
  CHECK(has(refused(interface_with("ListenPort = 5\xc2\xa0")), "line 2: ListenPort has the character U+00A0"));
  CHECK(has(refused(interface_with("Address = 10.0.0.2/32,\xe2\x80\x8b"
                                   "fd00::2")),
            "line 2: Address has the character U+200B"));
  CHECK(has(refused(interface_with("MTU = \xe2\x80\x9c"
                                   "1420\xe2\x80\x9d")),
            "line 2: MTU has the character U+201C"));
  CHECK(has(refused(interface_with("PrivateKey = " + private_key + "\xef\xbb\xbf")),
            "line 2: PrivateKey has the character U+FEFF"));
  CHECK(has(refused("[Interface\xc2\xa0]"), "line 1: the header has the character U+00A0"));
  CHECK(has(refused(interface_with("DNS = 10.0.0.1\xa0")), "line 2: DNS has the byte 0xA0"));  // Latin-1
  CHECK(has(refused(interface_with("DNS = 10.0.0.1\xf0\x9f\x98\x80")), "U+1F600"));
  CHECK(has(refused(interface_with("DNS = 10.0.0.1\xe2\x82")), "the byte 0xE2"));  // cut off
  CHECK_FALSE(has(refused(interface_with("PrivateKey = \xc2\xa0" + private_key)), private_key.substr(0, 16)));
  // Hooks and comments may have any characters.
  CHECK_EQ(accepted(interface_with("# b\xc3\xbc"
                                   "cher\nPostUp = echo \xc3\xbc"))
               .hooks.post_up.size(),
           1);
}

TEST_CASE("carriage returns alone do not end lines, not even behind a comment") {
  for (const auto* text :
       {"[Interface]\rListenPort = 5\r", "# a comment\r[Interface]\rListenPort = 5\r", "#\r[Interface]\r\n"}) {
    CAPTURE(text);
    CHECK_EQ(refused(text), "line 1: the lines end in carriage returns alone. Save the file with Unix line ends");
  }
  accepted("[Interface]\r");
}
