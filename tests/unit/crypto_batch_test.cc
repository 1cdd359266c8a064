// Batches: for any mix and number of lengths, each packet comes out as if it were alone, within its own memory, and a
// forged packet affects no other.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "shared/base/bytes.h"
#include "tests/support/guarded_buffer.h"
#include "tests/unit/crypto_subjects.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/startup.h"

namespace wg4::crypto {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t max_packets = 37;
constexpr std::size_t max_size = 2200;

/// The end of its memory at which a packet is placed.
enum class Flush { front, back };

/// A batch in which each packet has guarded memory of its own.
class GuardedBatch {
 public:
  explicit GuardedBatch(AeadFixture& fixture) : fixture_(fixture) {
    for (std::size_t i = 0; i < max_packets; ++i) {
      text_.emplace_back(max_size);
      sealed_.emplace_back(max_size + aead_tag_size);
    }
  }

  /// Seals out of place and opens in place, and compares both with libsodium.
  void check(Aead& aead, const std::vector<std::size_t>& sizes, Flush flush) {
    std::vector<SealJob> seal;
    std::vector<OpenJob> open;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const std::size_t padding = (16 - sizes[i] % 16) % 16 * (i % 2);
      const std::size_t head = i % 3 == 0 ? std::min(sizes[i] / 64, i) * 64 : 0;
      const ByteSpan text = at(text_[i], sizes[i], flush);
      copy_bytes(text.data(), fixture_.plaintext(sizes[i]));
      const ByteSpan sealed = at(sealed_[i], sizes[i] + padding + aead_tag_size, flush);
      const ByteView plain = text;
      seal.push_back({{plain.first(head), plain.subspan(head)}, padding, sealed.data(), fixture_.counter()});
      open.push_back({sealed, seal.back().counter});
    }
    aead.seal_batch(fixture_.key(), seal);
    for (std::size_t i = 0; i < sizes.size(); ++i)
      REQUIRE(std::ranges::equal(open[i].data, fixture_.expected(sizes[i], seal[i].padding, seal[i].counter)));
    aead.open_batch(fixture_.key(), open);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      REQUIRE(open[i].authentic);
      REQUIRE(std::ranges::equal(open[i].data.first(sizes[i]), fixture_.plaintext(sizes[i])));
    }
  }

 private:
  static ByteSpan at(const test::GuardedBuffer& buffer, std::size_t size, Flush flush) {
    return flush == Flush::front ? buffer.first(size) : buffer.last(size);
  }

  AeadFixture& fixture_;
  std::deque<test::GuardedBuffer> text_;
  std::deque<test::GuardedBuffer> sealed_;
};

TEST_CASE("Equal lengths, all of them, flush against the ends of memory") {
  REQUIRE(start_up());
  AeadFixture fixture;
  GuardedBatch batch(fixture);
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (std::size_t size = 0; size <= max_size - 16; size += size < 520 ? 1 : 61) {
      CAPTURE(size);
      batch.check(*aead, std::vector<std::size_t>(16, size), size % 2 == 0 ? Flush::back : Flush::front);
    }
  }
}

TEST_CASE("Every number of packets") {
  AeadFixture fixture;
  GuardedBatch batch(fixture);
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (std::size_t count = 0; count <= max_packets; ++count) {
      CAPTURE(count);
      for (const std::size_t size : {0U, 40U, 64U, 1420U})
        batch.check(*aead, std::vector<std::size_t>(count, size), Flush::back);
    }
  }
}

TEST_CASE("Any mix of lengths, flush against either end of memory") {
  AeadFixture fixture;
  GuardedBatch batch(fixture);
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (int round = 0; round < 150; ++round) {
      CAPTURE(round);
      std::vector<std::size_t> sizes(1 + fixture.below(max_packets));
      const std::uint32_t end = round % 3 == 0 ? 200 : max_size - 16;
      for (std::size_t& size : sizes) size = fixture.below(round % 5 == 0 ? 1 + fixture.below(end) : end);
      batch.check(*aead, sizes, round % 2 == 0 ? Flush::back : Flush::front);
    }
  }
}

TEST_CASE("Each flipped bit of a packet is noticed, and only that packet suffers") {
  AeadFixture fixture;
  constexpr std::size_t size = 48;
  constexpr std::size_t count = 16;
  std::array<Bytes, count> sealed;
  for (std::size_t i = 0; i < count; ++i) sealed[i] = fixture.expected(size, 0, i);
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    constexpr std::size_t bits = 8 * (size + aead_tag_size);
    for (std::size_t bit = 0; bit < bits + 64; ++bit) {  // bits beyond the packet's are those of its counter
      CAPTURE(bit);
      const std::size_t victim = bit % count;
      std::array<Bytes, count> packets = sealed;
      std::array<OpenJob, count> jobs;
      for (std::size_t i = 0; i < count; ++i) jobs[i] = {packets[i], i};
      if (bit < bits) {
        packets[victim][bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      } else {
        jobs[victim].counter ^= std::uint64_t{1} << (bit - bits);
      }
      aead->open_batch(fixture.key(), jobs);
      for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(jobs[i].authentic == (i != victim));
        const Bytes zeros(size);
        REQUIRE(std::ranges::equal(jobs[i].data.first(size), i == victim ? ByteView(zeros) : fixture.plaintext(size)));
      }
    }
  }
}

}  // namespace
}  // namespace wg4::crypto
