#pragma once
// How vectors are written down: outputs as hex, long inputs by a pattern that generate.py shares.

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/hex_base64.h"
#include "shared/base/secret.h"

namespace wg4::vectors {

using Bytes = std::vector<std::uint8_t>;

struct Blake2sVector {
  std::size_t output_size;
  std::size_t key_size;
  std::size_t input_size;
  std::string_view hash;
};

struct HmacVector {
  std::size_t key_size;
  std::size_t input_size;
  std::string_view mac;
};

struct KdfVector {
  std::size_t input_size;
  std::string_view first;
  std::string_view second;
  std::string_view third;
};

struct AeadVector {
  std::size_t plaintext_size;
  std::uint64_t counter;
  std::string_view sealed_hash;
};

struct HandshakeVector {
  std::size_t plaintext_size;
  std::size_t associated_size;
  std::string_view sealed;
};

inline Bytes pattern(std::size_t size, std::size_t start = 0) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>((start + i) % 251);
  return bytes;
}

inline Bytes hex(std::string_view text) {
  Bytes bytes(text.size() / 2);
  REQUIRE(decode_hex(text, bytes));
  return bytes;
}

inline Secret<32> secret(ByteView bytes) { return Secret<32>(bytes.first<32>()); }

template <std::size_t N>
std::string hex(const Secret<N>& value) {
  return encode_hex(value.span());
}

}  // namespace wg4::vectors
