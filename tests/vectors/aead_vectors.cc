#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shared/base/bytes.h"
#include "shared/base/hex_base64.h"
#include "shared/base/secret.h"
#include "tests/vectors/generated.h"
#include "tests/vectors/vector_support.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/aead_backends.h"
#include "wg4netns/crypto/blake2s.h"
#include "wg4netns/crypto/small_aead.h"

namespace wg4::vectors {
namespace {

Bytes seal_one(crypto::Aead& aead, const Secret<32>& key, std::uint64_t counter, ByteView plaintext) {
  Bytes sealed(plaintext.size() + crypto::aead_tag_size);
  const crypto::SealJob job{{{}, plaintext}, 0, sealed.data(), counter};
  aead.seal_batch(key, {&job, 1});
  return sealed;
}

void check_bulk_vectors(crypto::Aead& aead) {
  const Secret<32> key = secret(pattern(32, 11));
  for (const AeadVector& vector : aead_vectors) {
    CAPTURE(vector.plaintext_size);
    const Bytes plaintext = pattern(vector.plaintext_size);
    Bytes sealed = seal_one(aead, key, vector.counter, plaintext);
    CHECK(encode_hex(crypto::blake2s(sealed)) == vector.sealed_hash);
    crypto::OpenJob job{sealed, vector.counter};
    aead.open_batch(key, {&job, 1});
    REQUIRE(job.authentic);
    sealed.resize(plaintext.size());
    CHECK(sealed == plaintext);
  }
}

TEST_CASE("Bulk AEAD as RFC 8439 written out in Python") {
  for (const std::string_view name : crypto::available_backends()) {
    CAPTURE(name);
    check_bulk_vectors(*crypto::make_backend(name));
  }
}

TEST_CASE("RFC 8439, A.5: the nonce is 4 zero bytes and the counter in little-endian") {
  const Secret<32> key = secret(hex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0"));
  const std::string_view text = "Internet-Drafts are draft documents valid for a maximum of six months";
  const Bytes plaintext(text.begin(), text.end());
  // The RFC's nonce 00000000 0102030405060708. Its tag covers associated data, which transport packets do not have.
  for (const std::string_view name : crypto::available_backends()) {
    CAPTURE(name);
    const Bytes sealed = seal_one(*crypto::make_backend(name), key, 0x0807060504030201, plaintext);
    CHECK(
        encode_hex(sealed).starts_with("64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
                                       "4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100"));
  }
}

TEST_CASE("Handshake AEAD with associated data") {
  const Secret<32> key = secret(pattern(32, 13));
  for (const HandshakeVector& vector : handshake_vectors) {
    const Bytes plaintext = pattern(vector.plaintext_size);
    const Bytes associated = pattern(vector.associated_size, 17);
    Bytes sealed(plaintext.size() + 16);
    crypto::seal_once(key, plaintext, associated, sealed);
    CHECK(encode_hex(sealed) == vector.sealed);
    Bytes opened(plaintext.size());
    CHECK(crypto::open_once(key, sealed, associated, opened));
    CHECK(opened == plaintext);
    for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
      Bytes tampered = sealed;
      tampered[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      REQUIRE_FALSE(crypto::open_once(key, tampered, associated, opened));
    }
    CHECK_FALSE(crypto::open_once(key, sealed, pattern(vector.associated_size + 1, 17), opened));
  }
}

TEST_CASE("XChaCha20-Poly1305: draft-irtf-cfrg-xchacha-03, A.3.1") {
  const Secret<32> key = secret(hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"));
  const Bytes nonce = hex("404142434445464748494a4b4c4d4e4f5051525354555657");
  const Bytes associated = hex("50515253c0c1c2c3c4c5c6c7");
  const std::string_view text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would "
      "be it.";
  const Bytes plaintext(text.begin(), text.end());
  Bytes sealed(plaintext.size() + 16);
  crypto::xseal(key, ByteView(nonce).first<24>(), plaintext, associated, sealed);
  CHECK(encode_hex(sealed) ==
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
        "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
        "21f9664c97637da9768812f615c68b13b52e"
        "c0875924c1c7987947deafd8780acf49");
  Bytes opened(plaintext.size());
  CHECK(crypto::xopen(key, ByteView(nonce).first<24>(), sealed, associated, opened));
  CHECK(opened == plaintext);
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    Bytes tampered = sealed;
    tampered[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    REQUIRE_FALSE(crypto::xopen(key, ByteView(nonce).first<24>(), tampered, associated, opened));
  }
}

}  // namespace
}  // namespace wg4::vectors
