#include "shared/net/ip_address.h"
#include "shared/net/loopback.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

using namespace wg4;

TEST_CASE("an address starts as 0.0.0.0") {
  const IpAddress address;
  CHECK(address.is_v4());
  CHECK(address.is_unspecified());
  CHECK_EQ(address.to_string(), "0.0.0.0");
}

TEST_CASE("bytes are in network order, 4 or 16 of them") {
  const auto four = IpAddress::parse("10.1.2.3");
  REQUIRE(four);
  CHECK_EQ(four->family(), Family::v4);
  CHECK_EQ(four->bits(), 32);
  CHECK_EQ(four->bytes().size(), 4);
  CHECK_EQ(four->bytes()[0], 10);
  CHECK_EQ(four->bytes()[3], 3);

  const auto six = IpAddress::parse("fd00::1");
  REQUIRE(six);
  CHECK_EQ(six->family(), Family::v6);
  CHECK_EQ(six->bits(), 128);
  CHECK_EQ(six->bytes().size(), 16);
  CHECK_EQ(six->bytes()[0], 0xfd);
  CHECK_EQ(six->bytes()[15], 1);
}

TEST_CASE("an address from bytes is the one from text") {
  const std::array<std::uint8_t, 4> four{192, 0, 2, 1};
  CHECK_EQ(IpAddress::v4(four), IpAddress::parse("192.0.2.1"));
  std::array<std::uint8_t, 16> six{0x20, 0x01, 0x0d, 0xb8};
  six[15] = 7;
  CHECK_EQ(IpAddress::v6(six), IpAddress::parse("2001:db8::7"));
}

TEST_CASE("text is read in every spelling and written in the shortest") {
  CHECK_EQ(IpAddress::parse("255.255.255.255")->to_string(), "255.255.255.255");
  CHECK_EQ(IpAddress::parse("2001:0DB8:0000:0000:0000:0000:0000:0001")->to_string(), "2001:db8::1");
  CHECK_EQ(IpAddress::parse("::")->to_string(), "::");
  CHECK_EQ(IpAddress::parse("::ffff:1.2.3.4")->to_string(), "::ffff:1.2.3.4");
  // The longest spelling there is has 45 characters.
  CHECK_EQ(IpAddress::parse("1111:2222:3333:4444:5555:6666:255.255.255.255")->to_string(),
           "1111:2222:3333:4444:5555:6666:ffff:ffff");
}

TEST_CASE("text other than exactly one numeric address is refused") {
  for (const char* text : {"",
                           " ",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.256",
                           "1.2.3.-4",
                           "01.2.3.4",
                           "0x1.2.3.4",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "1.2.3.4/32",
                           "1.2.3.4:5",
                           ":",
                           ":::",
                           "1::2::3",
                           "12345::",
                           "g::",
                           "[::1]",
                           "fe80::1%1",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "localhost",
                           "1111:2222:3333:4444:5555:6666:255.255.255.2555"}) {
    CAPTURE(text);
    CHECK_FALSE(IpAddress::parse(text));
  }
  using namespace std::string_view_literals;
  CHECK_FALSE(IpAddress::parse("1.2.3.4\0"sv));
  CHECK_FALSE(IpAddress::parse("1.2.3.4\0.5"sv));
}

TEST_CASE("unspecified is all zero, in either family") {
  CHECK(IpAddress::parse("::")->is_unspecified());
  CHECK_FALSE(IpAddress::parse("::1")->is_unspecified());
  CHECK_FALSE(IpAddress::parse("0.0.0.1")->is_unspecified());
}

TEST_CASE("a mapped address stays IPv6, and zero differs between the families") {
  CHECK_FALSE(IpAddress::parse("::ffff:1.2.3.4")->is_v4());
  CHECK_NE(IpAddress::parse("::"), IpAddress::parse("0.0.0.0"));
}

TEST_CASE("the order is IPv4 first, then by number") {
  CHECK_LT(*IpAddress::parse("255.255.255.255"), *IpAddress::parse("::"));
  CHECK_LT(*IpAddress::parse("9.255.0.0"), *IpAddress::parse("10.0.0.0"));
  CHECK_LT(*IpAddress::parse("fd00::1"), *IpAddress::parse("fd00::2"));
}

TEST_CASE("the loopback is an address of each family, and in IPv4 a whole network") {
  CHECK_EQ(loopback(Family::v4).to_string(), "127.0.0.1");
  CHECK_EQ(loopback(Family::v6).to_string(), "::1");
  for (const auto* text : {"127.0.0.1", "127.255.255.255", "::1"}) CHECK(is_loopback(*IpAddress::parse(text)));
  for (const auto* text : {"128.0.0.1", "::", "::2", "::ffff:127.0.0.1"})
    CHECK_FALSE(is_loopback(*IpAddress::parse(text)));
}
