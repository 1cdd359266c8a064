#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/port_range.h"
#include "wg4netns/forward/ways.h"

namespace wg4::forward {
namespace {

using Texts = std::vector<std::string>;

Endpoint at(const char* text) { return *Endpoint::parse(text); }

std::string error_of(const auto& parsed) {
  REQUIRE_FALSE(parsed.has_value());
  CHECK_FALSE(parsed.error().hint.empty());
  return parsed.error().what;
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST_CASE("--host-port") {
  CHECK(parse_host_port("5432:15432") == HostPort{Protocol::tcp, 5432, at("127.0.0.1:15432")});
  CHECK(parse_host_port("udp:53:127.0.0.53:53") == HostPort{Protocol::udp, 53, at("127.0.0.53:53")});
  CHECK(parse_host_port("tcp:80:[::1]:8080") == HostPort{Protocol::tcp, 80, at("[::1]:8080")});

  CHECK(contains(error_of(parse_host_port("5432")), "a port inside and one of the host"));
  for (const char* text : {"", ":", "0:1", "1:0", "1:", ":1", "1:2:3", "1-2:1-2", "65536:1", "1:localhost:2",
                           "sctp:1:2", "1:127.0.0.1:0", "1:::1:5"})
    CHECK_MESSAGE(contains(error_of(parse_host_port(text)), "--host-port"), text);
  CHECK(contains(error_of(parse_host_port("80:192.168.1.5:80")), "see --lan"));
  CHECK(contains(error_of(parse_host_port("80:0.0.0.0:80")), "not a loopback address"));
}

TEST_CASE("--lan") {
  const auto lan = parse_lan("192.168.1.7/24:80,8000-8010");
  REQUIRE(lan.has_value());
  CHECK(lan->network.to_string() == "192.168.1.0/24");
  CHECK(lan->ports == std::vector<PortRange>{{80, 80}, {8000, 8010}});
  CHECK(parse_lan("10.0.0.5:22")->network.length == 32);
  CHECK(parse_lan("[fd00::/64]:80")->network.to_string() == "fd00::/64");
  CHECK(parse_lan("10.0.0.0/8:80").has_value());

  for (const char* text : {"192.168.1.0/24", "[fd00::/64]", "fd00::/64"})
    CHECK_MESSAGE(contains(error_of(parse_lan(text)), "the ports are missing"), text);
  for (const char* text : {"0.0.0.0/0:80", "[::/0]:80"})
    CHECK_MESSAGE(contains(error_of(parse_lan(text)), "the whole Internet"), text);
  for (const char* text : {"0.0.0.0/1:80", "128.0.0.0/1:80", "[2000::/3]:80", "11.0.0.0/7:80"})
    CHECK_MESSAGE(contains(error_of(parse_lan(text)), "more than a local network"), text);
  for (const char* text : {"127.0.0.1:80", "127.0.0.0/8:80", "[::1]:80"})
    CHECK_MESSAGE(contains(error_of(parse_lan(text)), "see --host-port"), text);
  CHECK(contains(error_of(parse_lan("[fe80::1]:80")), "link-local"));
  for (const char* text : {"224.0.0.1:80", "255.255.255.255:80", "0.0.0.0/8:80", "[ff02::1]:80"})
    CHECK_MESSAGE(contains(error_of(parse_lan(text)), "no connection leads to"), text);
  for (const char* text : {"", ":80", "x:80", "10.0.0.0/33:80", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:80,",
                           "10.0.0.1:9-8", "[10.0.0.1]:80", "fd00::1:80", "[fd00::1:80", "10.0.0.1:80:81"})
    CHECK_MESSAGE(contains(error_of(parse_lan(text)), "--lan"), text);
}

TEST_CASE("what has to listen inside, and where it leads") {
  const Ways ways =
      parse_ways(Texts{"80:8080", "udp:53:127.0.0.53:53"}, Texts{"192.168.1.0/24:80,443", "[fd00::/64]:443"}).value();
  const auto listens = [&](Protocol protocol, const char* address) {
    std::size_t found = 0;
    for (const InsideListener& each : ways.listeners())
      found += each.protocol == protocol && each.address == at(address);
    return found == 1;
  };
  // Port 80 of TCP is wanted on all addresses of IPv4 anyway.
  CHECK(ways.listeners().size() == 9);
  CHECK(listens(Protocol::tcp, "0.0.0.0:80"));
  CHECK(listens(Protocol::tcp, "[::1]:80"));
  CHECK(listens(Protocol::udp, "0.0.0.0:80"));
  CHECK(listens(Protocol::udp, "127.0.0.1:53"));
  CHECK(listens(Protocol::udp, "[::1]:53"));
  CHECK(listens(Protocol::tcp, "0.0.0.0:443"));
  CHECK(listens(Protocol::tcp, "[::]:443"));

  CHECK(ways.target(Protocol::tcp, at("127.0.0.1:80")) == at("127.0.0.1:8080"));
  CHECK(ways.target(Protocol::tcp, at("[::1]:80")) == at("127.0.0.1:8080"));
  CHECK(ways.target(Protocol::udp, at("127.0.0.1:53")) == at("127.0.0.53:53"));
  CHECK(ways.target(Protocol::udp, at("192.168.1.9:80")) == at("192.168.1.9:80"));
  CHECK(ways.target(Protocol::tcp, at("[fd00::9]:443")) == at("[fd00::9]:443"));
  CHECK_FALSE(ways.target(Protocol::udp, at("127.0.0.1:80")).has_value());
  CHECK_FALSE(ways.target(Protocol::tcp, at("127.0.0.2:80")).has_value());
  CHECK_FALSE(ways.target(Protocol::tcp, at("127.0.0.1:443")).has_value());
  CHECK_FALSE(ways.target(Protocol::tcp, at("192.168.2.9:80")).has_value());
  CHECK_FALSE(ways.target(Protocol::tcp, at("192.168.1.9:81")).has_value());
  CHECK_FALSE(ways.target(Protocol::tcp, at("[fd00::9]:80")).has_value());

  CHECK(ways.tcp_ports() == std::vector<std::uint16_t>{80, 443, 8080});
  CHECK(ways.sentences() == Texts{"host port 127.0.0.1:8080 (tcp) at 127.0.0.1:80",
                                  "host port 127.0.0.53:53 (udp) at 127.0.0.1:53",
                                  "local network 192.168.1.0/24, port 80, 443", "local network fd00::/64, port 443"});
}

TEST_CASE("ways that contradict each other, and too many") {
  CHECK(contains(error_of(parse_ways(Texts{"80:1", "80:2"}, Texts{})), "port 80 inside leads somewhere already"));
  CHECK(parse_ways(Texts{"80:1", "udp:80:2"}, Texts{}).has_value());
  CHECK(contains(error_of(parse_ways(Texts{}, Texts{"10.0.0.1:1-65535"})), "too many ports"));
  CHECK(parse_ways(Texts{}, Texts{"10.0.0.1:1-100"}).has_value());
  CHECK(contains(error_of(parse_ways(Texts{"200:1"}, Texts{"10.0.0.1:1-100"})), "too many ports"));
}

}  // namespace
}  // namespace wg4::forward
