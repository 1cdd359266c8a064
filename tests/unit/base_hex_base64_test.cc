#include "shared/base/hex_base64.h"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace wg4;

namespace {

std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::array<std::uint8_t, 32> counting_key() {
  std::array<std::uint8_t, 32> key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return key;
}

constexpr std::string_view counting_base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr std::string_view counting_hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

}  // namespace

TEST_CASE("base64: the vectors of RFC 4648 section 10") {
  const std::array<std::pair<std::string_view, std::string_view>, 6> vectors{{
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  }};
  for (const auto& [plain, encoded] : vectors) {
    CAPTURE(plain);
    CHECK_EQ(encode_base64(bytes_of(plain)), encoded);
    std::vector<std::uint8_t> decoded(plain.size());
    CHECK(decode_base64(encoded, decoded));
    CHECK_EQ(decoded, bytes_of(plain));
  }
}

TEST_CASE("base64: a key there and back") {
  CHECK_EQ(encode_base64(counting_key()), counting_base64);
  std::array<std::uint8_t, 32> key{};
  REQUIRE(decode_base64(counting_base64, key));
  CHECK_EQ(key, counting_key());
}

TEST_CASE("base64: only the one spelling of 32 bytes is a key") {
  std::array<std::uint8_t, 32> key{};
  const std::string good(counting_base64);
  CHECK_FALSE(decode_base64("", key));
  CHECK_FALSE(decode_base64(good.substr(0, 43), key));         // no padding
  CHECK_FALSE(decode_base64(good + "=", key));                 // too much of it
  CHECK_FALSE(decode_base64(good.substr(0, 40), key));         // 30 bytes
  CHECK_FALSE(decode_base64(good + "AAAA", key));              // 35 bytes
  CHECK_FALSE(decode_base64(good.substr(0, 42) + "9=", key));  // unused bits that are not zero
  CHECK_FALSE(decode_base64(good.substr(0, 42) + "==", key));  // 31 bytes
  CHECK_FALSE(decode_base64("=" + good.substr(1), key));       // padding in front
  CHECK_FALSE(decode_base64(" " + good.substr(0, 43), key));   // white space is the caller's matter
  CHECK_FALSE(decode_base64("-" + good.substr(1), key));       // the URL alphabet
  CHECK_FALSE(decode_base64(std::string(1, '\0') + good.substr(1), key));
}

TEST_CASE("hex: both cases are read, small letters are written") {
  CHECK_EQ(encode_hex(counting_key()), counting_hex);
  std::array<std::uint8_t, 3> bytes{};
  REQUIRE(decode_hex("0aFfBc", bytes));
  CHECK_EQ(bytes, std::array<std::uint8_t, 3>{0x0a, 0xff, 0xbc});
  CHECK_EQ(encode_hex({}), "");
}

TEST_CASE("hex: anything but exactly two digits a byte is refused") {
  std::array<std::uint8_t, 2> bytes{};
  CHECK_FALSE(decode_hex("", bytes));
  CHECK_FALSE(decode_hex("abc", bytes));
  CHECK_FALSE(decode_hex("abcde", bytes));
  CHECK_FALSE(decode_hex("abcdef", bytes));
  CHECK_FALSE(decode_hex("abcg", bytes));
  CHECK_FALSE(decode_hex("ab d", bytes));
  CHECK_FALSE(decode_hex("0xab", bytes));
}
