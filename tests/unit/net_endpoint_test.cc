#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"

#include <doctest/doctest.h>

using namespace wg4;

TEST_CASE("an IPv4 endpoint") {
  const auto endpoint = Endpoint::parse("192.0.2.1:51820");
  REQUIRE(endpoint);
  CHECK_EQ(endpoint->address, IpAddress::parse("192.0.2.1"));
  CHECK_EQ(endpoint->port, 51820);
  CHECK_EQ(endpoint->scope, 0);
  CHECK_EQ(endpoint->to_string(), "192.0.2.1:51820");
}

TEST_CASE("an IPv6 endpoint has brackets, and may have a scope in numbers") {
  const auto endpoint = Endpoint::parse("[fd00::1]:1");
  REQUIRE(endpoint);
  CHECK_EQ(endpoint->address, IpAddress::parse("fd00::1"));
  CHECK_EQ(endpoint->to_string(), "[fd00::1]:1");

  const auto scoped = Endpoint::parse("[fe80::1%3]:65535");
  REQUIRE(scoped);
  CHECK_EQ(scoped->scope, 3);
  CHECK_EQ(scoped->to_string(), "[fe80::1%3]:65535");
}

TEST_CASE("ports are 0 to 65535") {
  CHECK_EQ(Endpoint::parse("192.0.2.1:0")->port, 0);
  CHECK_EQ(Endpoint::parse("192.0.2.1:65535")->port, 65535);
  CHECK_FALSE(Endpoint::parse("192.0.2.1:65536"));
  CHECK_FALSE(Endpoint::parse("192.0.2.1:-1"));
}

TEST_CASE("anything else is refused") {
  for (const char* text : {"",
                           ":",
                           "192.0.2.1",
                           "192.0.2.1:",
                           "192.0.2.1: 1",
                           "192.0.2.1:1 ",
                           "192.0.2.1:http",
                           "fd00::1:51820",
                           "[192.0.2.1]:1",
                           "[fd00::1]",
                           "[fd00::1]:",
                           "[fd00::1:1",
                           "fd00::1]:1",
                           "[]:1",
                           "[fe80::1%]:1",
                           "[fe80::1%eth0]:1",
                           "[fe80::1%3%3]:1",
                           "192.0.2.1%3:1",
                           "example.com:1",
                           "[fd00::1]1:1"}) {
    CAPTURE(text);
    CHECK_FALSE(Endpoint::parse(text));
  }
}

TEST_CASE("endpoints that differ anywhere differ") {
  const auto endpoint = Endpoint::parse("[fe80::1%3]:1");
  CHECK_EQ(endpoint, Endpoint::parse("[fe80::1%3]:1"));
  CHECK_NE(endpoint, Endpoint::parse("[fe80::1%4]:1"));
  CHECK_NE(endpoint, Endpoint::parse("[fe80::1%3]:2"));
  CHECK_NE(endpoint, Endpoint::parse("[fe80::2%3]:1"));
}
