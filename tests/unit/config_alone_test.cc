// The parser as a library of its own: this program links nothing else of the project, and uses its two public headers.

#include "shared/config/wg_config.h"
#include "shared/config/wg_text.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/unit/config_support.h"

using namespace wg4;
using namespace wg4::config_test;

namespace {

const std::string whole = "[Interface]\nPrivateKey = " + private_key +
                          "\nListenPort = 51820\nFwMark = 51\nAddress = 10.0.0.2/24, fd00::2/64\n"
                          "DNS = 10.0.0.1, fd00::1, example.com\nMTU = 1380\nTable = 7\nPreUp = a\nPostUp = b; c # d\n"
                          "PostUp = e\nPreDown = f\nPostDown = g %i\nSaveConfig = true\n"
                          "\n[Peer]\n# friendly_name = office\nPublicKey = " +
                          key_a + "\nPresharedKey = " + preshared_key +
                          "\nAllowedIPs = 10.0.0.0/24, ::/0\nEndpoint = vpn.example.com:51820\n"
                          "PersistentKeepalive = 25\n"
                          "\n[Peer]\nPublicKey = " +
                          key_b + "\nAllowedIPs = 10.1.0.0/16\nEndpoint = [2001:db8::1]:1\n";

std::string shown(const WgConfig& config) { return std::string(to_wg_quick(config, Keys::shown).view()); }
std::string hidden(const WgConfig& config) { return std::string(to_wg_quick(config, Keys::hidden).view()); }

}  // namespace

TEST_CASE("text in its shortest form is written as it was read") {
  CHECK_EQ(shown(accepted(whole)), whole);
  CHECK_EQ(shown(accepted("")), "[Interface]\n");
}

TEST_CASE("what has its default is left out, and each setting is on one line") {
  const std::string text = interface_with(
                               "# a comment\nListenPort = 0\nFwMark = off\nTable = auto\nsaveconfig = false\n"
                               "Address = 10.0.0.2\nADDRESS = fd00::2\nDNS =\nPreUp =\nMTU =") +
                           peer_with("AllowedIPs = 10.0.0.1/8\nAllowedIPs = ::/0\nPersistentKeepalive = off");
  CHECK_EQ(shown(accepted(text)), "[Interface]\nAddress = 10.0.0.2/32, fd00::2/128\n\n[Peer]\nPublicKey = " + key_a +
                                      "\nAllowedIPs = 10.0.0.0/8, ::/0\n");
}

TEST_CASE("hidden keys are nowhere, not in the commands of hooks either") {
  const std::string text = hidden(
      accepted(interface_with("PrivateKey = " + private_key + "\nPostUp = wg set %i private-key <(echo " + private_key +
                              ")\n" + "PreUp = x/" + preshared_key + private_key + " -i=y\nPreDown = a\x1b[2Jb") +
               peer_with("PresharedKey = " + preshared_key)));
  CHECK_EQ(text,
           "[Interface]\nPrivateKey = (hidden)\nPreUp = x/(hidden)(hidden) -i=y\n"
           "PostUp = wg set %i private-key <(echo (hidden))\nPreDown = a\\x1b[2Jb\n\n[Peer]\nPublicKey = " +
               key_a + "\nPresharedKey = (hidden)\n");
  CHECK(has(refused(text), "line 2: PrivateKey"));
}

TEST_CASE("ports that are names need somebody who knows them") {
  const std::string text = interface_with("ListenPort = wireguard") + peer_with("Endpoint = 192.0.2.1:wireguard");
  CHECK(has(refused_at(2, text), "ListenPort"));
  const auto config = WgConfig::parse(text, one_service);
  REQUIRE(config);
  CHECK_EQ(config->listen_port, 51820);
  CHECK_EQ(config->peers.at(0).address()->port, 51820);
}
