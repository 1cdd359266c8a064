#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <string_view>

using namespace wg4;

namespace {

Prefix prefix(std::string_view text) {
  const auto parsed = Prefix::parse(text);
  REQUIRE_MESSAGE(parsed, text);
  return *parsed;
}

IpAddress address(std::string_view text) { return prefix(text).address; }

bool bit(const IpAddress& of, unsigned index) { return (of.bytes()[index / 8] >> (7 - index % 8) & 1) != 0; }

/// The definition of contains(), bit by bit.
bool shares_bits(const IpAddress& left, const IpAddress& right, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    if (bit(left, i) != bit(right, i)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a prefix keeps its host bits; a bare address is all prefix") {
  CHECK_EQ(prefix("10.0.0.2/24").to_string(), "10.0.0.2/24");
  CHECK_EQ(prefix("10.0.0.2").length, 32);
  CHECK_EQ(prefix("fd00::2/64").to_string(), "fd00::2/64");
  CHECK_EQ(prefix("fd00::2").length, 128);
  CHECK_EQ(prefix("0.0.0.0/0").length, 0);
  CHECK_EQ(prefix("10.0.0.0/08").length, 8);
}

TEST_CASE("a bad address or length is no prefix") {
  for (const char* text :
       {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/ 8", "10.0.0.0/8 ",
        "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "10.0.0.0/4294967304", "10.0.0.0/0x8", "10.0.0/8", "fd00::/64%1"}) {
    CAPTURE(text);
    CHECK_FALSE(Prefix::parse(text));
  }
}

TEST_CASE("masked clears the host bits and nothing else") {
  CHECK_EQ(prefix("10.1.2.3/8").masked(), prefix("10.0.0.0/8"));
  CHECK_EQ(prefix("10.255.255.255/9").masked(), prefix("10.128.0.0/9"));
  CHECK_EQ(prefix("10.1.2.3/0").masked(), prefix("0.0.0.0/0"));
  CHECK_EQ(prefix("10.1.2.3/32").masked(), prefix("10.1.2.3/32"));
  CHECK_EQ(prefix("10.1.2.255/31").masked(), prefix("10.1.2.254/31"));
  CHECK_EQ(prefix("2001:db8:ffff:ffff::1/33").masked(), prefix("2001:db8:8000::/33"));
  CHECK_EQ(prefix("fd00::1/127").masked(), prefix("fd00::/127"));
  CHECK_EQ(prefix("fd00::1/0").masked(), prefix("::/0"));
}

TEST_CASE("contains: the family and the first bits agree") {
  CHECK(prefix("10.0.0.0/8").contains(address("10.255.0.1")));
  CHECK_FALSE(prefix("10.0.0.0/8").contains(address("11.0.0.0")));
  CHECK(prefix("10.0.0.2/24").contains(address("10.0.0.77")));  // host bits do not matter
  CHECK(prefix("0.0.0.0/0").contains(address("255.255.255.255")));
  CHECK_FALSE(prefix("0.0.0.0/0").contains(address("::")));
  CHECK_FALSE(prefix("::/0").contains(address("0.0.0.0")));
  CHECK(prefix("fd00::/64").contains(address("fd00::ffff:ffff:ffff:ffff")));
  CHECK_FALSE(prefix("fd00::/64").contains(address("fd00:0:0:1::")));
}

TEST_CASE("covers: every address of the other one is inside") {
  CHECK(prefix("10.0.0.0/8").covers(prefix("10.0.0.0/8")));
  CHECK(prefix("10.0.0.0/8").covers(prefix("10.9.0.0/16")));
  CHECK_FALSE(prefix("10.9.0.0/16").covers(prefix("10.0.0.0/8")));
  CHECK_FALSE(prefix("10.9.0.0/16").covers(prefix("10.8.0.0/16")));
  CHECK_FALSE(prefix("::/0").covers(prefix("10.0.0.0/8")));
}

TEST_CASE("random prefixes against the meaning bit by bit") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::array<std::uint8_t, 16> left{};
    for (auto& byte : left) byte = static_cast<std::uint8_t>(random());
    auto right = left;
    const auto flipped = static_cast<unsigned>(random() % 128);
    right[flipped / 8] = static_cast<std::uint8_t>(right[flipped / 8] ^ (0x80U >> (flipped % 8)));
    const bool four = round % 2 == 0;
    const IpAddress a = four ? IpAddress::v4(std::span(left).first<4>()) : IpAddress::v6(left);
    const IpAddress b = four ? IpAddress::v4(std::span(right).first<4>()) : IpAddress::v6(right);
    const auto length = static_cast<std::uint8_t>(random() % (a.bits() + 1));
    const Prefix tested{a, length};
    CAPTURE(tested.to_string());
    CAPTURE(b.to_string());
    CHECK_EQ(tested.contains(b), shares_bits(a, b, length));

    const Prefix masked = tested.masked();
    CHECK(shares_bits(masked.address, a, length));
    bool host_bit = false;
    for (unsigned i = length; i < a.bits(); ++i) host_bit = host_bit || bit(masked.address, i);
    CHECK_FALSE(host_bit);
    CHECK_EQ(Prefix::parse(tested.to_string()), tested);
  }
}
