// Valid and invalid hosts: Endpoint and DNS.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "shared/config/wg_config.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "tests/unit/config_support.h"

using namespace wg4;
using namespace wg4::config_test;

namespace {

std::string refused_value(std::string_view line) { return refused_at(3, peer_with(line)); }

std::string refused_dns(std::string_view value) {
  const std::string message = refused(interface_with("DNS = " + std::string(value)));
  CHECK(message.starts_with("line 2: DNS: "));
  return message;
}

}  // namespace

TEST_CASE("Endpoint: host:port or [v6]:port, the last colon divides") {
  const auto written = [](const char* value) {
    return to_string(*accepted(peer_with("Endpoint = " + std::string(value))).peers.at(0).endpoint);
  };
  CHECK_EQ(written("192.0.2.1:51820"), "192.0.2.1:51820");
  CHECK_EQ(written("fd00::1:51820"), "[fd00::1]:51820");
  CHECK_EQ(written("[fd00::1]:65535"), "[fd00::1]:65535");
  CHECK_EQ(written("[fe80::1%eth0]:5"), "[fe80::1%eth0]:5");
  CHECK_EQ(written("[vpn.example.com]:1"), "vpn.example.com:1");
  CHECK_FALSE(accepted(peer_with("")).peers.at(0).endpoint);
}

TEST_CASE("Endpoint: an address is one from the start, and what has to be looked up is not") {
  const auto peer = [](const char* value) {
    return accepted(peer_with("Endpoint = " + std::string(value))).peers.at(0).endpoint;
  };
  CHECK(std::get<Endpoint>(*peer("192.0.2.1:51820")) == Endpoint{*IpAddress::parse("192.0.2.1"), 51820, 0});
  CHECK(std::get<Endpoint>(*peer("[fd00::1]:5")) == Endpoint{*IpAddress::parse("fd00::1"), 5, 0});
  const auto host = [&](const char* value) { return std::get<HostPort>(*peer(value)); };
  CHECK_EQ(host("vpn.example.com:1").host, "vpn.example.com");
  CHECK_EQ(host("vpn.example.com:1").port, 1);
  CHECK_EQ(host("[fe80::1%eth0]:5").host, "fe80::1%eth0");  // which interface that is, the system knows

  const WgConfig named = accepted(peer_with("Endpoint = vpn.example.com:1"));
  CHECK(named.peers.at(0).address() == nullptr);
  CHECK_EQ(named.peers.at(0).host_name()->host, "vpn.example.com");
  const WgConfig without = accepted(peer_with(""));
  CHECK(without.peers.at(0).address() == nullptr);
  CHECK(without.peers.at(0).host_name() == nullptr);
}

TEST_CASE("Endpoint: the port may be a service name") {
  const auto config = WgConfig::parse(peer_with("Endpoint = [fd00::1]:wireguard"), one_service);
  REQUIRE(config);
  CHECK_EQ(config->peers.at(0).address()->port, 51820);
  CHECK(has(refused_value("Endpoint = 192.0.2.1:wireguard"),
            "'wireguard' is not a port: this host knows no UDP service of that name"));
}

TEST_CASE("Endpoint: the error says what is missing") {
  for (const auto* value : {"192.0.2.1", "192.0.2.1:", "[fd00::1]", "[fd00::1]:", "vpn.example.com", "fd00::1]"}) {
    CAPTURE(value);
    CHECK(
        has(refused_value("Endpoint = " + std::string(value)), " has no port. Write host:port or [IPv6 address]:port"));
  }
  CHECK(has(refused_value("Endpoint = [fd00::1:5"), "has a '[' without its ']'"));
  CHECK(has(refused_value("Endpoint = [fd00::1]x:5"), "has a '[' without its ']'"));
  CHECK(has(refused_value("Endpoint = :5"), "has no host name or address"));
  CHECK(has(refused_value("Endpoint = []:5"), "has no host name or address"));
  CHECK(has(refused_value("Endpoint = [[fd00::1]:5"), "has no host name or address"));
  CHECK(has(refused_value("Endpoint = fd00::]1:5"), "has no host name or address"));
  CHECK(has(refused_value("Endpoint = exa\x1bmple:5"), "has no host name or address"));
  CHECK(has(refused_value("Endpoint = " + std::string(254, 'a') + ":5"), "has no host name or address"));
  CHECK(has(refused_value("Endpoint = 1.2.3.4:65536"), "'65536' is not a port"));
  CHECK(has(refused_value("Endpoint = 1.2.3.4:0"), "has port 0"));
}

TEST_CASE("Endpoint: text that cannot be a host is refused here, not by a name server") {
  const auto check = [](std::string_view value, std::string_view says) {
    CAPTURE(value);
    CHECK(has(refused_value("Endpoint = " + std::string(value)), says));
  };
  for (const auto* value :
       {"http://192.0.2.1:51820", "https://vpn.example.com:51820/", "udp://1.2.3.4:51820", "wg://a:1"})
    check(value, " is a URL. Write host:port");
  for (const auto* value : {"203.0.113.5/24:51820", "vpn.example.com/x:51820", "vpn.example.com:51820/udp"})
    check(value, " has a '/', as no host does");
  for (const auto* value : {"203.0.113.5:51820,203.0.113.6:51820", "a.b:1;c.d:2", "a.b:1,"})
    check(value, " has more than one host. A peer has one Endpoint");
  for (const auto* value : {"\"vpn.example.com:51820\"", "'a.b:1'"}) check(value, " has quotation marks");
  for (const auto* value :
       {"203.0.113.300:51820", "203.0.113:51820", "1.2.3.4.5:1", "010.0.0.1:1", "127.1:1", "5:1", "vpn.7:1"})
    check(value, " has no IPv4 address in front of the port. Such an address is four numbers");
  for (const auto* value :
       {"1.2.3.4:5:6", "2001:db8::1:x:51820", "vpn.example.com:80:80", "[1.2.3.4:5]:6", "[fe80::1%]:5"})
    check(value, " has more than one colon, but no IPv6 address. Write host:port or [IPv6 address]:port");
  for (const auto* value : {"2001:db8::1", "fd00::1:5182", "::1", "1:2:3:4:5:6:7:8"})
    check(value, " is an IPv6 address, with or without a port. Put the address in brackets");
  for (const auto* value :
       {"0.0.0.0:51820", "[::]:51820", "224.0.0.1:1", "255.255.255.255:1", "[ff02::1]:1", ":::51820"})
    check(value, " is not the address of a host");
  for (const auto* value :
       {"user@vpn.example.com:1", "a..b:1", ".a:1", "-a.b:1", "a*b:1", "a\\b:1", "vpn.example.com!:1"})
    check(value, " has no host name or address that can be looked up");
  check(std::string(64, '.') + "a:1", " has no host name or address");
  check("vpn example.com:51820", " has a space between two words");
  check("vpn.example.com:51820 vpn2.example.com:51820", " has a space between two words");
  check("vpn.example.com:51820\xc2\xa0", "Endpoint has the character U+00A0");
  check(
      "b\xc3\xbc"
      "cher.example:51820",
      "has the character U+00FC");
}

TEST_CASE("Endpoint: unusual but valid names") {
  for (const auto* host : {"localhost", "a", "_wg._udp.example.com", "xn--bcher-kva.example", "vpn.example.com.",
                           "7.vpn", "r1---sn.example", "1and1.example", "3com"}) {
    CAPTURE(host);
    CHECK_EQ(accepted(peer_with("Endpoint = " + std::string(host) + ":1")).peers.at(0).host_name()->host, host);
  }
  CHECK_EQ(accepted(peer_with("Endpoint = vpn.example.com : 51820")).peers.at(0).host_name()->port, 51820);
}

TEST_CASE("DNS: addresses are servers, other words are search domains") {
  const WgConfig config = accepted(interface_with("DNS = 10.0.0.1, example.com fd00::1\nDNS = 1.internal"));
  REQUIRE_EQ(config.dns_servers.size(), 2);
  CHECK_EQ(config.dns_servers[0], IpAddress::parse("10.0.0.1"));
  CHECK_EQ(config.dns_servers[1], IpAddress::parse("fd00::1"));
  CHECK_EQ(config.dns_search, std::vector<std::string>{"example.com", "1.internal"});
}

TEST_CASE("DNS: text that looks like an address must be one") {
  for (const auto* value : {"1.1.1", "1.1.1.256", "fd00::x", "10.0.0.1:53", "fe80::1%eth0", "10.0.0.1, 8.8.8"}) {
    CAPTURE(value);
    CHECK(has(refused_dns(value), "is not the IP address of a DNS server"));
  }
  CHECK(has(refused_dns("exa\x01mple"), "its value is not a search domain"));
}

TEST_CASE("DNS: the error for an invalid domain suggests what was meant") {
  const auto check = [](std::string_view value, std::string_view says) {
    CAPTURE(value);
    CHECK(has(refused_dns(value), says));
  };
  check("1.1.1.1;8.8.8.8", "'1.1.1.1;8.8.8.8' is not a search domain. Divide servers and domains by commas");
  check("1.1.1.1|8.8.8.8", "Divide servers and domains by commas");
  check("10.0.0.1, 1.1.1.1/32", "'1.1.1.1/32' is not a search domain. Write it without the prefix length: 1.1.1.1");
  check("fd00::1/128", "Write it without the prefix length: fd00::1");
  check("https://dns.example/dns-query", "Only plain DNS servers can be given, by their addresses");
  check("tls://1.1.1.1", "Only plain DNS servers");
  check("10.0.0.1:5353", "Write it without the port, which is always 53: 10.0.0.1");
  check("[fd00::1]", "Write an IPv6 address without brackets");
  check("[fd00::1]:53", "Write an IPv6 address without brackets");
  check("fe80::1%wg0", "an address with a zone leads nowhere");
  check("10.0.0", "Give IP addresses of servers");
  check("dns.example/24", "is not a search domain");
}

TEST_CASE("DNS: a routing domain of systemd is left out with a warning") {
  const WgConfig config = accepted(interface_with("DNS = 10.0.0.1, ~corp.example, ~., lan"));
  CHECK_EQ(config.dns_search, std::vector<std::string>{"lan"});
  REQUIRE_EQ(config.warnings.size(), 2);
  CHECK(has(config.warnings[0], "line 2: DNS: a name with '~'"));
}
