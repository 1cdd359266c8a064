#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/hex_base64.h"
#include "shared/base/keys.h"
#include "shared/base/secret.h"
#include "tests/vectors/vector_support.h"
#include "wg4netns/crypto/curve25519.h"

namespace wg4::vectors {
namespace {

PublicKey point(std::string_view text) {
  PublicKey key;
  REQUIRE(decode_hex(text, key));
  return key;
}

std::string product(std::string_view scalar, std::string_view u) {
  Secret<32> out;
  REQUIRE(crypto::diffie_hellman(secret(hex(scalar)), point(u), out));
  return hex(out);
}

TEST_CASE("RFC 7748, 5.2: scalar multiplication") {
  CHECK(product("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c") ==
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  // The top bit of this point is set, and has to be ignored.
  CHECK(product("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493") ==
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

TEST_CASE("RFC 7748, 5.2: after 1 and after 1,000 iterations") {
  Secret<32> scalar = secret(hex("0900000000000000000000000000000000000000000000000000000000000000"));
  Secret<32> u = scalar.clone();
  for (int i = 1; i <= 1000; ++i) {
    Secret<32> result;
    PublicKey as_point;
    std::ranges::copy(u.span(), as_point.begin());
    REQUIRE(crypto::diffie_hellman(scalar, as_point, result));
    u = std::move(scalar);
    scalar = std::move(result);
    if (i == 1) CHECK(hex(scalar) == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
  }
  CHECK(hex(scalar) == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST_CASE("RFC 7748, 6.1: Diffie-Hellman") {
  const Secret<32> alice = secret(hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const Secret<32> bob = secret(hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  const PublicKey alice_public = crypto::derive_public_key(alice);
  const PublicKey bob_public = crypto::derive_public_key(bob);
  CHECK(encode_hex(alice_public) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  CHECK(encode_hex(bob_public) == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  Secret<32> shared;
  REQUIRE(crypto::diffie_hellman(alice, bob_public, shared));
  CHECK(hex(shared) == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  REQUIRE(crypto::diffie_hellman(bob, alice_public, shared));
  CHECK(hex(shared) == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

TEST_CASE("Every point of low order is refused, with and without the ignored top bit") {
  // Orders 1, 2, 4 and 8 on the curve and its twist, and the same values written unreduced.
  for (const std::string_view text : {
           "0000000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000000",
           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
           "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
       }) {
    const Secret<32> scalar = secret(pattern(32, 1));
    for (const bool top_bit : {false, true}) {
      PublicKey low_order = point(text);
      if (top_bit) low_order[31] |= 0x80;
      CAPTURE(encode_hex(low_order));
      Secret<32> out = secret(pattern(32));
      CHECK_FALSE(crypto::diffie_hellman(scalar, low_order, out));
      CHECK(out.is_zero());
    }
  }
}

TEST_CASE("Clamping") {
  PrivateKey key;
  std::ranges::fill(key.span(), std::uint8_t{0xff});
  crypto::clamp(key);
  CHECK(hex(key) == "f8ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
  key.wipe();
  crypto::clamp(key);
  CHECK(hex(key) == "0000000000000000000000000000000000000000000000000000000000000040");
}

}  // namespace
}  // namespace wg4::vectors
