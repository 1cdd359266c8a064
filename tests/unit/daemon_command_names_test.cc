// How commands in a tunnel resolve names.

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "shared/config/wg_config.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "wg4netns/daemon/command_names.h"
#include "wg4netns/daemon/messages.h"

namespace wg4 {
namespace {

const std::string key = "PublicKey = HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=\n";

WgConfig config_of(const std::string& interface, const std::string& allowed_ips) {
  auto config = WgConfig::parse("[Interface]\n" + interface + "[Peer]\n" + key + "AllowedIPs = " + allowed_ips + "\n");
  REQUIRE(config);
  return *std::move(config);
}

std::vector<IpAddress> addresses(const std::vector<std::string>& texts) {
  std::vector<IpAddress> parsed;
  for (const std::string& text : texts) parsed.push_back(*IpAddress::parse(text));
  return parsed;
}

TEST_CASE("the configuration's servers, and its search domains") {
  const auto config = config_of("Address = 10.0.0.2/24\nDNS = 10.0.0.1, 10.0.0.3, example.org\n", "10.0.0.0/24");
  const auto names = choose_names(config, {});
  REQUIRE(names);
  CHECK(names->servers == addresses({"10.0.0.1", "10.0.0.3"}));
  CHECK(names->search == std::vector<std::string>{"example.org"});
  CHECK(names->addresses == std::vector<std::string>{"10.0.0.2/24"});
}

TEST_CASE("those that are wanted take their place") {
  const auto config = config_of("Address = 10.0.0.2/24\nDNS = 10.0.0.1\n", "10.0.0.0/24");
  CHECK(choose_names(config, addresses({"10.0.0.9"}))->servers == addresses({"10.0.0.9"}));
}

TEST_CASE("a server that no peer leads to is an error that names it") {
  const auto config = config_of("Address = 10.0.0.2/24\nDNS = 10.0.0.1, 192.168.1.1\n", "10.0.0.0/24");
  const auto names = choose_names(config, {});
  REQUIRE_FALSE(names);
  CHECK(
      names.error().message() ==
      "no peer's AllowedIPs lead to the DNS server 192.168.1.1. Add 192.168.1.1 to the AllowedIPs of the peer that has "
      "it, or name another with --dns");
  CHECK_FALSE(choose_names(config, addresses({"1.1.1.1"})));
}

TEST_CASE("a server of a family without an address is left out") {
  const auto config = config_of("Address = 10.0.0.2/24\nDNS = 10.0.0.1, fd00::1\n", "0.0.0.0/0, ::/0");
  CHECK(choose_names(config, {})->servers == addresses({"10.0.0.1"}));
}

TEST_CASE("without a server names do not resolve") {
  const auto config = config_of("Address = 10.0.0.2/24\n", "10.0.0.0/24");
  CHECK(choose_names(config, {})->servers.empty());
}

TEST_CASE("a server in a network that is not reached through the tunnel is an error") {
  const std::vector<Prefix> outside{*Prefix::parse("192.168.1.0/24"), *Prefix::parse("10.0.0.0/8")};
  const auto refused = expect_in_tunnel(addresses({"1.1.1.1", "10.2.0.1"}), outside);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what == "--lan 10.0.0.0/8 has the address of the tunnel's DNS server 10.2.0.1");
  CHECK(expect_in_tunnel(addresses({"1.1.1.1", "192.168.2.1"}), outside));
}

TEST_CASE("behind each peer there is an address to send a packet to") {
  const auto peer_of = [](const std::string& interface, const std::string& allowed_ips) {
    return choose_names(config_of(interface, allowed_ips), {})->peers;
  };
  CHECK(peer_of("Address = 10.0.0.2/24\nDNS = 10.0.0.53\n", "10.0.0.0/24") == addresses({"10.0.0.53"}));
  CHECK(peer_of("Address = 10.0.0.2/24\n", "10.0.0.0/24") == addresses({"10.0.0.1"}));
  CHECK(peer_of("Address = 10.0.0.2/24\n", "10.0.0.8/32") == addresses({"10.0.0.8"}));
  CHECK(peer_of("Address = 10.0.0.2/24\n", "0.0.0.0/0") == addresses({"192.0.2.1"}));
  CHECK(peer_of("Address = fd00::2/64\n", "fd00::/64") == addresses({"fd00::1"}));
}

}  // namespace
}  // namespace wg4
