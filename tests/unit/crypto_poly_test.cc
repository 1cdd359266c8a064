// Poly1305 of the vector kernels alone, with numbers that ChaCha20 practically never produces: accumulators around
// 2^130 - 5, limbs of all ones, sums with s that overflow 2^128.

#include <doctest/doctest.h>
#include <sodium/crypto_onetimeauth_poly1305.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/hex_base64.h"
#include "tests/unit/crypto_lane_probes.h"
#include "tests/unit/crypto_subjects.h"
#include "wg4netns/crypto/lanes/job.h"

namespace wg4::crypto {
namespace {

using Key = std::array<std::uint32_t, 8>;
using Block = std::array<std::uint64_t, 2>;
using Tag = std::array<std::uint32_t, 4>;

struct Message {
  Key key{};
  std::vector<Block> blocks;
};

std::vector<PolyProbe> probes() {
  std::vector<PolyProbe> list;
  for (const NamedKernel& kernel : all_kernels()) {
    if (kernel.kernel == &avx2_kernel) list.push_back(avx2_poly26);
    if (kernel.kernel == &avx512_kernel) list.push_back(avx512_poly26);
    if (kernel.kernel == &emulated_ifma_kernel) list.push_back(avx512_poly44);
  }
  return list;
}

Tag expected(const Message& message) {
  Tag tag;
  crypto_onetimeauth_poly1305(reinterpret_cast<std::uint8_t*>(tag.data()),
                              reinterpret_cast<const std::uint8_t*>(message.blocks.data()), 16 * message.blocks.size(),
                              reinterpret_cast<const std::uint8_t*>(message.key.data()));
  return tag;
}

/// One message per lane, all of one length.
std::vector<Tag> tags(const PolyProbe& probe, const std::vector<Message>& lanes) {
  const std::size_t blocks = lanes[0].blocks.size();
  std::uint32_t keys[max_poly_lanes][8];
  std::vector<std::array<std::uint64_t, 2>> words;
  for (std::size_t lane = 0; lane < probe.lanes; ++lane)
    std::memcpy(keys[lane], lanes[lane].key.data(), sizeof(keys[lane]));
  for (std::size_t block = 0; block < blocks; ++block)
    for (std::size_t lane = 0; lane < probe.lanes; ++lane) words.push_back(lanes[lane].blocks[block]);
  std::uint32_t out[max_poly_lanes][4];
  probe.tags(keys, reinterpret_cast<const std::uint64_t(*)[2]>(words.data()), blocks, out);
  std::vector<Tag> result;
  for (std::size_t lane = 0; lane < probe.lanes; ++lane) result.push_back(std::to_array(out[lane]));
  return result;
}

/// Checks the message in each lane, with other messages in the other lanes.
void check_message(const Message& message) {
  AeadFixture fixture;
  for (const PolyProbe& probe : probes()) {
    CAPTURE(std::string(probe.name));
    for (std::size_t lane = 0; lane < probe.lanes; ++lane) {
      std::vector<Message> lanes(probe.lanes, message);
      for (std::size_t other = 0; other < probe.lanes; ++other) {
        if (other == lane) continue;
        for (std::uint32_t& word : lanes[other].key) word = static_cast<std::uint32_t>(fixture.counter());
      }
      const std::vector<Tag> actual = tags(probe, lanes);
      for (std::size_t i = 0; i < probe.lanes; ++i) REQUIRE(actual[i] == expected(lanes[i]));
    }
  }
}

constexpr std::uint64_t ones = ~std::uint64_t{0};

TEST_CASE("RFC 8439, A.3: the cases that implementations get wrong") {
  struct Vector {
    Message message;
    std::string_view tag;
  };
  const Key two = {2};
  const Key two_and_ones = {2, 0, 0, 0, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff};
  const Key one = {1};
  const Key one_and_four = {1, 0, 4, 0};
  const std::vector<Vector> vectors = {
      {{two, {{ones, ones}}}, "03000000000000000000000000000000"},
      {{two_and_ones, {{2, 0}}}, "03000000000000000000000000000000"},
      {{one, {{ones, ones}, {0xfffffffffffffff0, ones}, {0x11, 0}}}, "05000000000000000000000000000000"},
      {{one, {{ones, ones}, {0xfefefefefefefefb, 0xfefefefefefefefe}, {0x0101010101010101, 0x0101010101010101}}},
       "00000000000000000000000000000000"},
      {{two, {{0xfffffffffffffffd, ones}}}, "faffffffffffffffffffffffffffffff"},
      {{one_and_four, {{0xb9435e50d79435e3, 0}, {0xcd79435e50d79433, 1}, {0, 0}, {1, 0}}},
       "14000000000000005500000000000000"},
  };
  for (const Vector& vector : vectors) {
    CAPTURE(vector.tag);
    CHECK(encode_hex({reinterpret_cast<const std::uint8_t*>(expected(vector.message).data()), 16}) == vector.tag);
    check_message(vector.message);
  }
}

TEST_CASE("Accumulators around 2^130 - 5 and sums around 2^128") {
  // With r = 1, three blocks add up to 3 * 2^128 and their numbers: 2^128 - 5 more is p.
  for (std::uint64_t above = 0; above <= 80; ++above) {
    CAPTURE(above);
    for (const std::uint32_t pad : {0U, 1U, 0xfffffffbU, 0xffffffffU}) {
      Message message{{1, 0, 0, 0, pad, pad | 1, 0xffffffff, 0xffffffff}, {{ones - 40, ones}, {above, 0}, {0, 0}}};
      check_message(message);
      message.key[5] = message.key[6] = message.key[7] = 0;
      check_message(message);
    }
  }
}

TEST_CASE("Limbs of all ones, none and single bits, for long") {
  AeadFixture fixture;
  const auto odd_word = [&] {
    switch (fixture.below(5)) {
      case 0:
        return ones;
      case 1:
        return std::uint64_t{0};
      case 2:
        return std::uint64_t{1} << fixture.below(64);
      case 3:
        return ones << fixture.below(64);
      default:
        return fixture.counter();
    }
  };
  for (const PolyProbe& probe : probes()) {
    CAPTURE(std::string(probe.name));
    for (int round = 0; round < 3000; ++round) {
      const std::size_t blocks = 1 + fixture.below(40);
      std::vector<Message> lanes(probe.lanes);
      for (Message& message : lanes) {
        for (std::uint32_t& word : message.key) word = static_cast<std::uint32_t>(odd_word());
        const Block repeated = {odd_word(), odd_word()};
        for (std::size_t i = 0; i < blocks; ++i)
          message.blocks.push_back(round % 2 == 0 ? repeated : Block{odd_word(), odd_word()});
      }
      const std::vector<Tag> actual = tags(probe, lanes);
      for (std::size_t lane = 0; lane < probe.lanes; ++lane) REQUIRE(actual[lane] == expected(lanes[lane]));
    }
  }
}

TEST_CASE("The greatest multiplier and the greatest blocks") {
  for (const std::size_t blocks : {1U, 2U, 3U, 64U, 1000U})
    check_message({{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                   std::vector<Block>(blocks, Block{ones, ones})});
}

}  // namespace
}  // namespace wg4::crypto
