#include "shared/base/bytes.h"
#include "wg4netns/core/inner_packet.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/support/packets.h"

#include <doctest/doctest.h>

using namespace wg4;
using namespace wg4::test;

namespace {

const Bytes v4 = make_packet({.source = ip("10.0.0.1"), .destination = ip("10.0.0.2"), .payload = Bytes(30)});
const Bytes v6 = make_packet({.source = ip("fd00::1"), .destination = ip("fd00::2"), .payload = Bytes(30)});

bool parses(Bytes packet) { return InnerPacket::parse(packet, packet.size()).has_value(); }

Bytes with_byte(Bytes packet, std::size_t at, unsigned value) {
  packet[at] = static_cast<std::uint8_t>(value);
  return packet;
}

Bytes with_u16(Bytes packet, std::size_t at, unsigned value) {
  store_be(packet.data() + at, static_cast<std::uint16_t>(value));
  return packet;
}

}  // namespace

TEST_CASE("the addresses and length of a whole packet") {
  const auto four = InnerPacket::parse(v4, v4.size());
  REQUIRE(four);
  CHECK(four->is_v4());
  CHECK_EQ(four->length(), v4.size());
  CHECK_EQ(four->source(), v4.data() + 12);
  CHECK_EQ(four->destination(), v4.data() + 16);
  const auto six = InnerPacket::parse(v6, v6.size());
  REQUIRE(six);
  CHECK_FALSE(six->is_v4());
  CHECK_EQ(six->length(), v6.size());
  CHECK_EQ(six->source(), v6.data() + 8);
  CHECK_EQ(six->destination(), v6.data() + 24);
}

TEST_CASE("the length is the header's; more bytes are padding, and the header may stand alone before the rest") {
  CHECK_EQ(InnerPacket::parse(v4, v4.size() + 100)->length(), v4.size());
  CHECK(InnerPacket::parse(std::span(v4).first(20), v4.size()));
  CHECK_FALSE(InnerPacket::parse(std::span(v4).first(20), v4.size() - 1));
  CHECK(InnerPacket::parse(std::span(v6).first(40), v6.size()));
  CHECK_FALSE(InnerPacket::parse(std::span(v6).first(40), v6.size() - 1));
}

TEST_CASE("no prefix of a packet is a packet") {
  for (const Bytes& packet : {v4, v6}) {
    for (std::size_t size = 0; size < packet.size(); ++size)
      CHECK_FALSE(InnerPacket::parse(std::span(packet).first(size), size));
  }
}

TEST_CASE("IP versions other than 4 and 6 are refused") {
  for (unsigned version = 0; version < 16; ++version) {
    if (version != 6) CHECK_EQ(parses(with_byte(v4, 0, version << 4 | 5)), version == 4);
    if (version != 4) CHECK_EQ(parses(with_byte(v6, 0, version << 4)), version == 6);
  }
}

TEST_CASE("an IPv4 header has 5 words at least, and no more than the packet") {
  for (unsigned words = 0; words < 16; ++words)
    CHECK_EQ(parses(with_byte(v4, 0, 0x40 | words)), words * 4 >= 20 && words * 4 <= v4.size());
}

TEST_CASE("an IPv4 length below the header's or above what is there is refused") {
  for (unsigned length = 0; length <= 0xffff; ++length) {
    const bool fits = length >= 20 && length <= v4.size();
    if (parses(with_u16(v4, 2, length)) != fits) FAIL("length ", length);
  }
}

TEST_CASE("an IPv6 payload length above what is there is refused, up to the last one") {
  for (unsigned length = 0; length <= 0xffff; ++length) {
    const bool fits = 40 + length <= v6.size();
    if (parses(with_u16(v6, 4, length)) != fits) FAIL("length ", length);
  }
}

TEST_CASE("ECN is read beside DSCP, and from both bytes of an IPv6 traffic class") {
  for (unsigned ecn = 0; ecn < 4; ++ecn) {
    const Bytes four = with_byte(v4, 1, 0xb8 | ecn);
    CHECK_EQ(static_cast<unsigned>(InnerPacket::parse(four, four.size())->ecn()), ecn);
    const Bytes six = with_byte(with_byte(v6, 0, 0x6b), 1, 0x8f | ecn << 4);
    CHECK_EQ(static_cast<unsigned>(InnerPacket::parse(six, six.size())->ecn()), ecn);
  }
}

TEST_CASE("a mark changes only the ECN bits and the checksum") {
  for (const Bytes& original : {v4, v6}) {
    for (const Ecn outer : {Ecn::ce, Ecn::ect1}) {
      Bytes packet = make_packet({.source = original == v4 ? ip("10.0.0.1") : ip("fd00::1"),
                                  .destination = original == v4 ? ip("10.0.0.2") : ip("fd00::2"),
                                  .ecn = Ecn::ect0,
                                  .payload = Bytes(30)});
      Bytes expected = packet;
      decapsulate_ecn(outer, packet);
      CHECK(ecn_of(packet) == outer);
      CHECK(checksums_valid(packet));
      expected[1] = packet[1];
      if (original == v4) std::ranges::copy_n(packet.begin() + 10, 2, expected.begin() + 10);
      CHECK(packet == expected);
    }
  }
}

TEST_CASE("the IPv4 checksum survives a mark, whatever it was before") {
  for (unsigned identification = 0; identification <= 0xffff; identification += 7) {
    Bytes packet = make_packet({.source = ip("10.0.0.1"), .destination = ip("10.0.0.2"), .ecn = Ecn::ect0});
    const auto old = load_be<std::uint16_t>(packet.data() + 10);
    store_be(packet.data() + 4, static_cast<std::uint16_t>(identification));
    std::uint32_t sum = static_cast<std::uint16_t>(~old) + identification;
    sum = (sum & 0xffff) + (sum >> 16);
    store_be(packet.data() + 10, static_cast<std::uint16_t>(~sum));
    REQUIRE(checksums_valid(packet));
    decapsulate_ecn(Ecn::ce, packet);
    if (!checksums_valid(packet)) FAIL("identification ", identification);
  }
}
