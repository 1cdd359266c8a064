// Settings of other programs: which program's they are, and whether the line can be removed.

#include <string>
#include <string_view>

#include "tests/unit/config_support.h"

using namespace wg4;
using namespace wg4::config_test;

namespace {

const std::string obfuscation = " is a setting of AmneziaWG's obfuscation, which is not supported. ";

}  // namespace

TEST_CASE("AmneziaWG's format of packets is not plain WireGuard") {
  for (const auto* key :
       {"S1", "S2", "S3", "S4", "H1", "H2", "H3", "H4", "s1", "HeaderProtectionKey", "RandomTrailers"}) {
    CAPTURE(key);
    CHECK_EQ(refused(interface_with(std::string(key) + " = 77")),
             "line 2: " + std::string(key) + obfuscation + "Ask the provider for a plain WireGuard configuration");
  }
  CHECK(has(refused(interface_with("H1 = 5-2147483647")), obfuscation + "Ask the provider"));
  CHECK(has(refused(peer_with("AdvancedSecurity = on")), "line 3: AdvancedSecurity" + obfuscation));
  CHECK(has(refused(interface_with("S5 = 4")), "unknown key 'S5'"));
}

TEST_CASE("AmneziaWG's keys with the values of plain WireGuard: the lines can be removed") {
  for (const auto* line : {"S1 = 0", "S4 = 0", "H1 = 1", "H2 = 2", "h4 = 4"}) {
    CAPTURE(line);
    CHECK(has(refused(interface_with(line)), obfuscation + "With this value it changes nothing: remove the line"));
  }
}

TEST_CASE("AmneziaWG's junk in front of handshakes can be left out with a plain peer") {
  for (const auto* key :
       {"Jc", "Jmin", "Jmax", "Jd", "I1", "I2", "I3", "I4", "I5", "J1", "J2", "J3", "ITime", "jC", "itime"}) {
    CAPTURE(key);
    CHECK(has(refused(interface_with(std::string(key) + " = 4")),
              "line 2: " + std::string(key) + obfuscation + "Remove the line if the other end is plain WireGuard"));
  }
  CHECK(has(refused(interface_with("I1 = <b 0xc30000000108ce1bf3>")), "line 2: I1" + obfuscation));
}

TEST_CASE("the error for another program's setting names the program and the next step") {
  const auto check = [](std::string_view text, std::string_view says) {
    CAPTURE(text);
    CHECK(has(refused(text), says));
  };
  for (const auto* key : {"IncludedApplications", "ExcludedApplications", "excludedapplications"})
    check(interface_with(std::string(key) + " = org.example.app"),
          std::string(key) + " is a setting of WireGuard for Android. Remove the line: all that is in the namespace");
  for (const auto* key : {"AllowedApps", "DisallowedApps"})
    check(peer_with(std::string(key) + " = a.exe"), "is a setting of WireSock. Remove the line: all that is in");
  check(peer_with("DisallowedIPs = 10.0.0.0/8"),
        "WireSock. Remove the line, and take these networks out of AllowedIPs");
  check(peer_with("Socks5Proxy = 127.0.0.1:1080"), "WireSock: the way to the peer leads through a proxy");
  check(interface_with("BypassLanTraffic = true"),
        "line 2: BypassLanTraffic is a setting of WireSock. Remove the line");
  check(interface_with("Ib = chrome"), "WireSock's protocol masking, which is not supported");
  check(peer_with("Reserved = 1, 2, 3"), "Cloudflare WARP's clients: bytes that plain WireGuard leaves zero");
  check(interface_with("PrivateKeyFile = /run/key"), "systemd.netdev(5). Write the key itself");
  check(interface_with("CheckAlive = 1.1.1.1"), "is a setting of wireproxy");
}

TEST_CASE("other programs' sections") {
  CHECK_EQ(refused("[Interface]\n[Socks5]\nBindAddress = 127.0.0.1:25344\n").substr(0, 55),
           "line 2: the section [Socks5] is one of wireproxy. Remov");
  CHECK(has(refused("[NetDev]\nName = wg0\n"),
            "line 1: the section [NetDev] is one of systemd-networkd. Write a wg-quick file"));
  CHECK(has(refused("[WireGuardPeer]\n"), "the section [WireGuardPeer] is one of systemd-networkd"));
}
