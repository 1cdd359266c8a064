#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "shared/base/bytes.h"
#include "shared/base/hex_base64.h"
#include "shared/base/secret.h"
#include "tests/vectors/generated.h"
#include "tests/vectors/vector_support.h"
#include "wg4netns/crypto/blake2s.h"

namespace wg4::vectors {
namespace {

Bytes hash_of(std::size_t output_size, ByteView key, ByteView input) {
  Bytes out(output_size);
  crypto::Blake2s hash(output_size, key);
  hash.update(input);
  hash.finish(out);
  return out;
}

/// RFC 7693, appendix E: a Fibonacci generator.
Bytes selftest_sequence(std::size_t size) {
  auto a = static_cast<std::uint32_t>(0xDEAD4BADU * size);
  std::uint32_t b = 1;
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) {
    const std::uint32_t next = a + b;
    a = b;
    b = next;
    byte = static_cast<std::uint8_t>(next >> 24);
  }
  return bytes;
}

TEST_CASE("RFC 7693, appendix B: BLAKE2s-256 of abc") {
  const Bytes abc = {'a', 'b', 'c'};
  CHECK(encode_hex(crypto::blake2s(abc)) == "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
}

TEST_CASE("RFC 7693, appendix E: the self-test over output sizes, input sizes and keys") {
  crypto::Blake2s all;
  for (const std::size_t output_size : {16U, 20U, 28U, 32U}) {
    for (const std::size_t input_size : {0U, 3U, 64U, 65U, 255U, 1024U}) {
      const Bytes input = selftest_sequence(input_size);
      all.update(hash_of(output_size, {}, input));
      all.update(hash_of(output_size, selftest_sequence(output_size), input));
    }
  }
  crypto::Hash out;
  all.finish(out);
  CHECK(encode_hex(out) == "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
}

TEST_CASE("BLAKE2s as Python has it, plain and keyed") {
  for (const Blake2sVector& vector : blake2s_vectors) {
    CAPTURE(vector.input_size);
    CAPTURE(vector.key_size);
    CHECK(encode_hex(hash_of(vector.output_size, pattern(vector.key_size, 3), pattern(vector.input_size))) ==
          vector.hash);
  }
}

TEST_CASE("BLAKE2s does not mind how its input is cut") {
  const Bytes input = pattern(300);
  const Bytes expected = hash_of(32, {}, input);
  for (std::size_t first = 0; first <= input.size(); ++first) {
    for (const std::size_t step : {1U, 63U, 64U, 65U}) {
      crypto::Blake2s hash;
      hash.update(ByteView(input).first(first));
      for (std::size_t at = first; at < input.size(); at += step) {
        hash.update(ByteView(input).subspan(at, std::min(step, input.size() - at)));
      }
      Bytes out(32);
      hash.finish(out);
      REQUIRE(out == expected);
    }
  }
}

TEST_CASE("HMAC-BLAKE2s as Python has it") {
  for (const HmacVector& vector : hmac_vectors) {
    CAPTURE(vector.input_size);
    CAPTURE(vector.key_size);
    crypto::Hash out;
    crypto::hmac_blake2s(pattern(vector.key_size, 5), pattern(vector.input_size), out);
    CHECK(encode_hex(out) == vector.mac);
  }
}

TEST_CASE("KDF1, KDF2 and KDF3 as Python has them") {
  const Secret<32> key = secret(pattern(32, 9));
  for (const KdfVector& vector : kdf_vectors) {
    CAPTURE(vector.input_size);
    const Bytes input = pattern(vector.input_size);
    Secret<32> first;
    Secret<32> second;
    Secret<32> third;
    crypto::kdf1(key.span(), input, first);
    CHECK(hex(first) == vector.first);
    crypto::kdf2(key.span(), input, first, second);
    CHECK(hex(first) == vector.first);
    CHECK(hex(second) == vector.second);
    crypto::kdf3(key.span(), input, first, second, third);
    CHECK(hex(first) == vector.first);
    CHECK(hex(second) == vector.second);
    CHECK(hex(third) == vector.third);

    // The chaining key is replaced in place, and so may be the input.
    Secret<32> chaining_key = key.clone();
    crypto::kdf2(chaining_key.span(), input, chaining_key, second);
    CHECK(hex(chaining_key) == vector.first);
    CHECK(hex(second) == vector.second);
  }
}

}  // namespace
}  // namespace wg4::vectors
