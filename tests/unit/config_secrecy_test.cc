// No message may quote a key, at any place in the file.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/config/wg_config.h"
#include "tests/unit/config_support.h"

using namespace wg4;
using namespace wg4::config_test;

namespace {

/// True when `text` has a part of the key that is long enough to help an attacker.
bool leaks(const std::string& text, const std::string& key) {
  constexpr std::size_t telling = 16;
  for (std::size_t i = 0; i + telling <= key.size(); ++i) {
    if (has(text, key.substr(i, telling))) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a key in the wrong place is refused and not shown") {
  const std::string cut_off = private_key.substr(0, 43);
  for (const std::string& key : {private_key, cut_off, private_key + "x", " " + private_key + "\t"}) {
    for (const std::string& text : {
             interface_with(key),  // on a line of its own: all of it but the '=' looks like the name of a setting
             interface_with("PrivateKey " + key),      // '=' forgotten
             interface_with("PrivateKey" + key),       //
             interface_with("PrivateKey: " + key),     //
             interface_with("ListenPort = " + key),    //
             interface_with("FwMark = " + key),        //
             interface_with("Address = " + key),       //
             interface_with("DNS = 10.0.0.1:" + key),  //
             interface_with("MTU = " + key),           //
             interface_with("Table = " + key),         //
             interface_with("SaveConfig = " + key),    //
             interface_with("PrivateKey = " + key + "x"),
             interface_with("Unknown" + key + " = 1"),
             "[" + key + "]",
             "[Interface" + key,
             key,
             peer_with("Endpoint = " + key),
             peer_with("Endpoint = [" + key + ":5"),
             peer_with("Endpoint = host:" + key),
             peer_with("AllowedIPs = 10.0.0.1," + key),
             peer_with("PersistentKeepalive = " + key),
             peer_with("PresharedKey = x" + key),
             peer_with("PublicKey = x" + key),
         }) {
      CAPTURE(text);
      const std::string message = refused(text);
      CHECK(message.starts_with("line "));
      CHECK_FALSE(leaks(message, private_key));
    }
  }
}

TEST_CASE("warnings do not show keys either") {
  const WgConfig config = accepted(interface_with("PrivateKey = " + private_key + "\nPostUp = echo " + private_key +
                                                  "\nMTU = 1000\nAddress = fd00::1") +
                                   peer_with("AllowedIPs = 10.0.0.1/8\nPresharedKey = " + preshared_key));
  REQUIRE_EQ(config.warnings.size(), 2);
  for (const std::string& warning : config.warnings) {
    CHECK_FALSE(leaks(warning, private_key));
    CHECK_FALSE(leaks(warning, preshared_key));
  }
}

TEST_CASE("control characters are not shown either") {
  CHECK_FALSE(has(refused("[\x1b[31m]"), "\x1b"));
  CHECK_FALSE(has(refused(interface_with("Fo\x07o = 1")), "\x07"));
  CHECK_LT(refused(interface_with("ListenPort = " + std::string(10'000, '.'))).size(), 200);
}

TEST_CASE("a key does not reach a name service") {
  static bool asked = false;
  const ServicePort spy = [](std::string_view) -> std::optional<std::uint16_t> {
    asked = true;
    return std::nullopt;
  };
  CHECK_FALSE(WgConfig::parse(interface_with("ListenPort = " + private_key), spy));
  CHECK_FALSE(asked);
  CHECK_FALSE(WgConfig::parse(interface_with("ListenPort = ntp"), spy));
  CHECK(asked);
}
