#include "shared/base/bytes.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>

using namespace wg4;

TEST_CASE("a little-endian integer has its low byte first") {
  const std::array<std::uint8_t, 8> bytes{0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xf8};
  CHECK_EQ(load_le<std::uint8_t>(bytes.data()), 0x01);
  CHECK_EQ(load_le<std::uint16_t>(bytes.data()), 0x0201);
  CHECK_EQ(load_le<std::uint32_t>(bytes.data()), 0x04030201U);
  CHECK_EQ(load_le<std::uint64_t>(bytes.data()), 0xf807060504030201ULL);
}

TEST_CASE("a big-endian integer has its high byte first") {
  const std::array<std::uint8_t, 8> bytes{0xf1, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
  CHECK_EQ(load_be<std::uint8_t>(bytes.data()), 0xf1);
  CHECK_EQ(load_be<std::uint16_t>(bytes.data()), 0xf102);
  CHECK_EQ(load_be<std::uint32_t>(bytes.data()), 0xf1020304U);
  CHECK_EQ(load_be<std::uint64_t>(bytes.data()), 0xf102030405060708ULL);
}

TEST_CASE("what is stored is what is loaded, and nothing beside it changes") {
  std::array<std::uint8_t, 6> bytes{};
  bytes.fill(0xee);
  store_le<std::uint32_t>(&bytes[1], 0xdeadbeef);
  CHECK_EQ(bytes, std::array<std::uint8_t, 6>{0xee, 0xef, 0xbe, 0xad, 0xde, 0xee});
  store_be<std::uint32_t>(&bytes[1], 0xdeadbeef);
  CHECK_EQ(bytes, std::array<std::uint8_t, 6>{0xee, 0xde, 0xad, 0xbe, 0xef, 0xee});
  store_le<std::uint16_t>(&bytes[1], 0x1234);
  CHECK_EQ(load_le<std::uint16_t>(&bytes[1]), 0x1234);
}

TEST_CASE("copy_bytes copies spans, empty ones without data included") {
  std::array<std::uint8_t, 3> to{9, 9, 9};
  copy_bytes(to.data(), {});
  CHECK_EQ(to, std::array<std::uint8_t, 3>{9, 9, 9});
  const std::array<std::uint8_t, 2> from{1, 2};
  copy_bytes(to.data(), from);
  CHECK_EQ(to, std::array<std::uint8_t, 3>{1, 2, 9});
}
