#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/pasta_ports.h"
#include "wg4netns/forward/port_range.h"
#include "wg4netns/forward/rule.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace wg4::forward {
namespace {

Rule rule(const char* host, std::uint16_t guest) {
  return {Protocol::tcp, *Endpoint::parse(host), {IpAddress{}, guest}};
}

std::vector<Rule> rules_of(const std::vector<std::string>& texts, bool v6 = true) {
  const auto ports = parse_pasta_ports(texts, Protocol::tcp, v6);
  REQUIRE(ports.has_value());
  return ports->rules;
}

TEST_CASE("a port alone is on every address of the host") {
  CHECK(rules_of({"80"}) == std::vector{rule("0.0.0.0:80", 80), rule("[::]:80", 80)});
  CHECK(rules_of({"80"}, false) == std::vector{rule("0.0.0.0:80", 80)});
}

TEST_CASE("addresses, mappings and ranges, as Podman writes them") {
  CHECK(rules_of({"127.0.0.1/8080-8080:80-80"}) == std::vector{rule("127.0.0.1:8080", 80)});
  CHECK(rules_of({"::1/8080-8081:90-91"}) == std::vector{rule("[::1]:8080", 90), rule("[::1]:8081", 91)});
  CHECK(rules_of({"[::1]/8080"}) == std::vector{rule("[::1]:8080", 8080)});
  CHECK(rules_of({"127.0.0.1/1,3:4", "127.0.0.2/7"}) ==
        std::vector{rule("127.0.0.1:1", 1), rule("127.0.0.1:3", 4), rule("127.0.0.2:7", 7)});
  const auto udp = parse_pasta_ports({"5353:53"}, Protocol::udp, false);
  REQUIRE(udp.has_value());
  CHECK(udp->rules.front().protocol == Protocol::udp);
}

TEST_CASE("excluded ports are left out, at any place in the list") {
  CHECK(rules_of({"127.0.0.1/~20-21,19-22"}) == std::vector{rule("127.0.0.1:19", 19), rule("127.0.0.1:22", 22)});
  CHECK(rules_of({"127.0.0.1/80,81", "127.0.0.1/~80"}) == std::vector{rule("127.0.0.1:81", 81)});
}

TEST_CASE("none and auto") {
  CHECK(rules_of({}).empty());
  CHECK(rules_of({"none"}).empty());
  const auto ports = parse_pasta_ports({"auto", "~22"}, Protocol::tcp, true);
  REQUIRE(ports.has_value());
  CHECK(ports->automatic);
  CHECK(ports->rules.empty());
  CHECK(ports->excluded == std::vector{PortRange{22, 22}});
}

TEST_CASE("an error quotes the wrong text") {
  for (const char* text : {"", "0", "65536", "x", "80-79", "80-81:80", "80:", ":80", "localhost/80", "1.2.3.4%lo/80",
                           "80,", "~", "~80", "/80", "80/tcp"}) {
    CAPTURE(text);
    const auto ports = parse_pasta_ports({text}, Protocol::tcp, true);
    REQUIRE_FALSE(ports.has_value());
    CHECK(ports.error().what.find("-t " + std::string(text)) == 0);
  }
  CHECK_FALSE(parse_pasta_ports({"none", "80"}, Protocol::udp, true).has_value());
  CHECK_FALSE(parse_pasta_ports({"auto", "none"}, Protocol::udp, true).has_value());
}

}  // namespace
}  // namespace wg4::forward
