// Every bulk backend must give the same bytes as libsodium: at every length, for every placement of the plaintext, with
// any other packets in the batch, and without touching a byte beyond its buffers.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "shared/base/bytes.h"
#include "tests/support/guarded_buffer.h"
#include "tests/unit/crypto_subjects.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/startup.h"

namespace wg4::crypto {
namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::size_t max_length = AeadFixture::max_length;

/// Every length up to two packets', then odd strides, edges of blocks, and the longest.
std::vector<std::size_t> lengths() {
  std::vector<std::size_t> list;
  for (std::size_t length = 0; length <= 2100; ++length) list.push_back(length);
  for (std::size_t length = 2101; length < max_length; length += 1021) list.push_back(length);
  for (std::size_t edge = 4096; edge < max_length; edge += 4096 + 64)
    for (const std::size_t length : {edge - 16, edge - 1, edge, edge + 1, edge + 15}) list.push_back(length);
  list.push_back(max_length);
  return list;
}

bool opens(Aead& aead, const AeadKey& key, ByteSpan sealed, std::uint64_t counter) {
  OpenJob job{sealed, counter};
  aead.open_batch(key, {&job, 1});
  return job.authentic;
}

void check_same(ByteView actual, ByteView expected) { REQUIRE(std::ranges::equal(actual, expected)); }

TEST_CASE("Out of place, in one piece, at every length, flush against the end of memory") {
  AeadFixture fixture;
  const test::GuardedBuffer in(max_length);
  const test::GuardedBuffer out(max_length + aead_tag_size);
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (const std::size_t length : lengths()) {
      CAPTURE(length);
      const ByteSpan text = in.last(length);
      copy_bytes(text.data(), fixture.plaintext(length));
      const ByteSpan sealed = out.last(length + aead_tag_size);
      const SealJob job{{{}, text}, 0, sealed.data(), length};
      aead->seal_batch(fixture.key(), {&job, 1});
      check_same(sealed, fixture.expected(length, 0, length));
      check_same(text, fixture.plaintext(length));
      REQUIRE(opens(*aead, fixture.key(), sealed, length));
      check_same(sealed.first(length), text);
    }
  }
}

TEST_CASE("A key that is flush against the end of memory") {
  AeadFixture fixture;
  const test::GuardedBuffer memory(AeadKey::size());
  auto* const key = new (memory.last(AeadKey::size()).data()) AeadKey(fixture.key().clone());
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (std::size_t length = 0; length <= 1500; length += 4) {
      CAPTURE(length);
      Bytes sealed(length + aead_tag_size);
      const SealJob job{{{}, fixture.plaintext(length)}, 0, sealed.data(), length};
      aead->seal_batch(*key, {&job, 1});
      check_same(sealed, fixture.expected(length, 0, length));
      REQUIRE(opens(*aead, *key, sealed, length));
    }
  }
  key->~AeadKey();
}

TEST_CASE("In place, with and without padding") {
  AeadFixture fixture;
  const test::GuardedBuffer buffer(max_length + aead_tag_size);
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (const std::size_t length : lengths()) {
      const std::size_t padding = std::min((16 - length % 16) % 16, max_length - length);
      CAPTURE(length);
      const std::uint64_t counter = fixture.counter();
      const ByteSpan sealed = buffer.last(length + padding + aead_tag_size);
      std::ranges::fill(sealed, std::uint8_t{0xee});  // padding has to be written, not assumed
      copy_bytes(sealed.data(), fixture.plaintext(length));
      const SealJob job{{{}, sealed.first(length)}, padding, sealed.data(), counter};
      aead->seal_batch(fixture.key(), {&job, 1});
      check_same(sealed, fixture.expected(length, padding, counter));
      REQUIRE(opens(*aead, fixture.key(), sealed, counter));
      check_same(sealed.first(length), fixture.plaintext(length));
      REQUIRE(std::ranges::count(sealed.subspan(length, padding), 0) == static_cast<std::ptrdiff_t>(padding));
    }
  }
}

TEST_CASE("In two pieces: a head of whole blocks in front of a body that lies elsewhere") {
  AeadFixture fixture;
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (const std::size_t head_size : {64U, 128U, 192U, 1408U}) {
      for (std::size_t body_size = 0; body_size < 1500; body_size += body_size < 130 ? 1 : 37) {
        for (const std::size_t padding : {0U, 1U, 15U}) {
          CAPTURE(head_size);
          CAPTURE(body_size);
          CAPTURE(padding);
          const std::size_t length = head_size + body_size;
          const ByteView text = fixture.plaintext(length);
          const Bytes body(text.begin() + static_cast<std::ptrdiff_t>(head_size), text.end());
          Bytes sealed(length + padding + aead_tag_size, 0xee);
          const SealJob job{{text.first(head_size), body}, padding, sealed.data(), 9};
          aead->seal_batch(fixture.key(), {&job, 1});
          check_same(sealed, fixture.expected(length, padding, 9));
        }
      }
    }
  }
}

TEST_CASE("A head without body may have any size") {
  AeadFixture fixture;
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (std::size_t length = 0; length <= 1500; ++length) {
      Bytes sealed(length + 3 + aead_tag_size, 0xee);
      const SealJob job{{fixture.plaintext(length), {}}, 3, sealed.data(), 1};
      aead->seal_batch(fixture.key(), {&job, 1});
      check_same(sealed, fixture.expected(length, 3, 1));
    }
  }
}

TEST_CASE("In two pieces that both stand where they belong already") {
  AeadFixture fixture;
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (std::size_t body_size = 0; body_size < 1400; ++body_size) {
      const std::size_t length = 64 + body_size;
      Bytes sealed(length + 7 + aead_tag_size, 0xee);
      copy_bytes(sealed.data(), fixture.plaintext(length));
      const ByteView text = ByteView(sealed).first(length);
      const SealJob job{{text.first(64), text.subspan(64)}, 7, sealed.data(), 2};
      aead->seal_batch(fixture.key(), {&job, 1});
      check_same(sealed, fixture.expected(length, 7, 2));
    }
  }
}

TEST_CASE("Batches of everything at once, and keys that change from batch to batch") {
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (int round = 0; round < 20; ++round) {
      AeadFixture fixture;
      for (int skipped = 0; skipped < round; ++skipped) static_cast<void>(fixture.counter());
      std::vector<Bytes> sealed;
      std::vector<SealJob> jobs;
      sealed.reserve(128);
      for (std::size_t i = 0; i < 128; ++i) {
        const std::size_t length = i % 3 == 0 ? 1420 : fixture.below(1600);
        const std::size_t head = i % 2 == 0 || length < 128 ? 0 : 64;
        const std::size_t padding = fixture.below(16);
        sealed.emplace_back(length + padding + aead_tag_size);
        const ByteView text = fixture.plaintext(length);
        jobs.push_back({{text.first(head), text.subspan(head)}, padding, sealed.back().data(), fixture.counter()});
      }
      aead->seal_batch(fixture.key(), jobs);
      std::vector<OpenJob> open_jobs;
      for (std::size_t i = 0; i < jobs.size(); ++i) {
        check_same(sealed[i], fixture.expected(jobs[i].plaintext.size(), jobs[i].padding, jobs[i].counter));
        if (i % 5 == 0) sealed[i].back() ^= 1;
        open_jobs.push_back({sealed[i], jobs[i].counter});
      }
      aead->open_batch(fixture.key(), open_jobs);
      for (std::size_t i = 0; i < jobs.size(); ++i) REQUIRE(open_jobs[i].authentic == (i % 5 != 0));
    }
  }
}

TEST_CASE("Each flipped bit is noticed, and no plaintext stays behind") {
  AeadFixture fixture;
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (const std::size_t length : {0U, 1U, 16U, 48U, 64U, 65U, 96U, 1420U, 9000U}) {
      const Bytes sealed = fixture.expected(length, 0, 77);
      const std::size_t bits = 8 * sealed.size();
      for (std::size_t bit = 0; bit < bits; bit += bits > 1000 && bit + 200 < bits ? 97 : 1) {
        CAPTURE(length);
        CAPTURE(bit);
        Bytes tampered = sealed;
        tampered[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        REQUIRE_FALSE(opens(*aead, fixture.key(), tampered, 77));
        REQUIRE(std::ranges::count(ByteView(tampered).first(length), 0) == static_cast<std::ptrdiff_t>(length));
      }
    }
  }
}

TEST_CASE("A wrong counter, a wrong key and a missing byte are noticed") {
  AeadFixture fixture;
  AeadKey other = fixture.key().clone();
  other.data()[31] ^= 0x80;
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (const std::size_t length : {0U, 32U, 1420U}) {
      for (const std::uint64_t wrong : {6ULL, 5ULL + (1ULL << 32), 5ULL + (1ULL << 63)}) {
        Bytes sealed = fixture.expected(length, 0, 5);
        CHECK_FALSE(opens(*aead, fixture.key(), sealed, wrong));
      }
      Bytes sealed = fixture.expected(length, 0, 5);
      CHECK_FALSE(opens(*aead, other, sealed, 5));
      if (length == 0) continue;
      sealed = fixture.expected(length, 0, 5);
      CHECK_FALSE(opens(*aead, fixture.key(), ByteSpan(sealed).subspan(1), 5));
      sealed = fixture.expected(length, 0, 5);
      CHECK_FALSE(opens(*aead, fixture.key(), ByteSpan(sealed).first(length + aead_tag_size - 1), 5));
    }
  }
}

TEST_CASE("A backend works on after it forgot its keys, and an empty batch is none") {
  AeadFixture fixture;
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (int i = 0; i < 3; ++i) {
      aead->forget_keys();
      aead->seal_batch(fixture.key(), {});
      aead->open_batch(fixture.key(), {});
      Bytes sealed = fixture.expected(100, 0, 3);
      CHECK(opens(*aead, fixture.key(), sealed, 3));
    }
  }
}

}  // namespace
}  // namespace wg4::crypto
