#include "shared/base/bytes.h"
#include "tests/support/segments.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/offload/segment.h"
#include "wg4netns/offload/virtio_net_header.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "tests/support/guarded_buffer.h"
#include "tests/support/offload_runs.h"

#include <doctest/doctest.h>

using namespace wg4;
using namespace wg4::test;
using offload::VirtioNetHeader;

namespace {

constexpr std::size_t header_size = offload::virtio_net_header_size;

// Offsets in a frame.
constexpr std::size_t at_flags = 0;
constexpr std::size_t at_kind = 1;
constexpr std::size_t at_start = 6;
constexpr std::size_t at_offset = 8;

/// The pieces of the super-packet, after checking that they equal those of cut_by_hand().
std::vector<Bytes> pieces_of(const SegmentSpec& spec, std::size_t gso_size) {
  const auto pieces = cut(make_super_frame(spec, gso_size));
  REQUIRE(pieces);
  CHECK(*pieces == cut_by_hand(make_segment(spec), spec.transport(), spec.tcp, gso_size));
  return *pieces;
}

void store_native(Bytes& frame, std::size_t at, std::uint16_t value) { std::memcpy(&frame[at], &value, sizeof(value)); }

bool refused(const Bytes& frame) { return !cut(frame); }

Bytes with_byte(Bytes frame, std::size_t at, unsigned value) {
  frame[at] = static_cast<std::uint8_t>(value);
  return frame;
}

Bytes with_field(Bytes frame, std::size_t at, std::uint16_t value) {
  store_native(frame, at, value);
  return frame;
}

std::vector<SegmentSpec> kinds() {
  std::vector<SegmentSpec> specs;
  for (const bool v4 : {true, false})
    for (const bool tcp : {true, false}) specs.push_back({.v4 = v4, .tcp = tcp, .payload = pattern(5000)});
  return specs;
}

}  // namespace

TEST_CASE("pieces of every kind are those that are cut by hand") {
  for (SegmentSpec spec : kinds())
    for (const std::size_t size : std::vector<std::size_t>{1, 2, 99, 100, 101, 200, 1000, 64000})
      for (const std::size_t gso_size : std::vector<std::size_t>{1, 99, 100, 1380, 9000, 65535}) {
        spec.payload = pattern(size);
        CHECK_EQ(pieces_of(spec, gso_size).size(), (size + gso_size - 1) / gso_size);
      }
}

TEST_CASE("options and extension headers go into every piece") {
  for (const bool v4 : {true, false})
    for (const bool tcp : {true, false})
      for (const std::size_t options : std::vector<std::size_t>{0, 12, 40}) {
        const Bytes v6_options = pattern(options / 8 * 8);
        pieces_of({.v4 = v4,
                   .tcp = tcp,
                   .ip_options = v4 ? pattern(options) : v6_options,
                   .tcp_options = pattern(options),
                   .payload = pattern(3000)},
                  700);
      }
}

TEST_CASE("headers may be 192 bytes long and no more") {
  const SegmentSpec longest{
      .v4 = false, .ip_options = pattern(192 - 40 - 40), .tcp_options = pattern(20), .payload = pattern(300)};
  CHECK_EQ(longest.headers(), 192);
  CHECK_EQ(pieces_of(longest, 100).size(), 3);
  SegmentSpec longer = longest;
  longer.tcp_options = pattern(24);
  CHECK(refused(make_super_frame(longer, 100)));
}

TEST_CASE("the IPv4 identification counts up, with and without DF, past its end") {
  for (const std::uint16_t fragment : std::vector<std::uint16_t>{0, 0x4000}) {
    const auto pieces = pieces_of({.id = 0xfffe, .fragment = fragment, .payload = pattern(400)}, 100);
    for (std::size_t i = 0; i < pieces.size(); ++i)
      CHECK_EQ(load_be<std::uint16_t>(&pieces[i][4]), static_cast<std::uint16_t>(0xfffe + i));
  }
}

TEST_CASE("CWR is in the first piece only, FIN and PSH are in the last, other flags in all") {
  for (const bool v4 : {true, false}) {
    const auto pieces = pieces_of({.v4 = v4, .flags = 0xff, .payload = pattern(300)}, 100);
    const std::size_t flags = (v4 ? 20 : 40) + 13;
    CHECK_EQ(pieces[0][flags], 0xff & ~0x09);
    CHECK_EQ(pieces[1][flags], 0xff & ~0x89);
    CHECK_EQ(pieces[2][flags], 0xff & ~0x80);
  }
}

TEST_CASE("the ECN bit of the virtio header changes nothing for TCP") {
  const SegmentSpec spec{.flags = 0x90, .payload = pattern(300)};
  const auto pieces = cut(with_byte(make_super_frame(spec, 100), at_kind, 0x81));
  REQUIRE(pieces);
  CHECK(*pieces == pieces_of(spec, 100));
}

TEST_CASE("sequence numbers pass their end") {
  const auto pieces = pieces_of({.sequence = 0xffffff80, .payload = pattern(300)}, 100);
  CHECK_EQ(load_be<std::uint32_t>(&pieces[2][24]), 0x48);
}

TEST_CASE("a UDP checksum that comes to zero is sent as ffff") {
  std::size_t zeros = 0;
  SegmentSpec spec{.tcp = false, .payload = pattern(4)};
  for (unsigned i = 0; i <= 0xffff; ++i) {
    store_be(spec.payload.data(), static_cast<std::uint16_t>(i));
    const auto pieces = cut(make_super_frame(spec, 4));
    REQUIRE(pieces);
    const auto field = load_be<std::uint16_t>(&pieces->front()[26]);
    CHECK_NE(field, 0);
    zeros += field == 0xffff ? 1 : 0;
  }
  CHECK_EQ(zeros, 1);
}

TEST_CASE("behind a routing header the pseudo-header is the sender's: what its checksum began with counts") {
  const SegmentSpec spec{.v4 = false, .ip_options = pattern(24), .payload = pattern(200)};
  Bytes frame = make_super_frame(spec, 100);
  auto expected = cut_by_hand(make_segment(spec), spec.transport(), true, 100);
  // The final destination is larger by 3 in one word.
  const std::size_t field = spec.transport() + 16;
  store_be(&frame[header_size + field],
           static_cast<std::uint16_t>(load_be<std::uint16_t>(&frame[header_size + field]) + 3));
  const auto pieces = cut(frame);
  REQUIRE(pieces);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    Bytes& packet = expected[i];
    const std::uint32_t sum = static_cast<std::uint16_t>(~load_be<std::uint16_t>(&packet[field])) + 3U;
    store_be(&packet[field], static_cast<std::uint16_t>(~((sum & 0xffff) + (sum >> 16))));
    CHECK(pieces->at(i) == packet);
  }
}

TEST_CASE("pieces are ready to be sealed: heads of whole blocks, bodies still in the frame, batches of 64 at most") {
  for (const std::size_t options : std::vector<std::size_t>{0, 12, 24, 28, 40})
    for (const std::size_t gso_size : std::vector<std::size_t>{1, 10, 24, 25, 80, 88, 89, 1380}) {
      const SegmentSpec spec{.tcp_options = pattern(options), .payload = pattern(6000)};
      Bytes frame = make_super_frame(spec, gso_size);
      const auto segmenter = std::make_unique<offload::Segmenter>();
      REQUIRE(segmenter->begin(frame));
      CHECK_FALSE(segmenter->is_single());
      std::size_t left = (6000 + gso_size - 1) / gso_size;
      for (auto batch = segmenter->next(); !batch.empty(); batch = segmenter->next()) {
        CHECK_EQ(batch.size(), std::min<std::size_t>(left, 64));
        left -= batch.size();
        for (const crypto::Plaintext& piece : batch) {
          CHECK_GE(piece.head.size(), 40);
          if (piece.body.empty()) continue;
          CHECK_EQ(piece.head.size() % 64, 0);
          CHECK_GE(piece.body.data(), frame.data());
          CHECK_LE(piece.body.data() + piece.body.size(), frame.data() + frame.size());
        }
      }
      CHECK_EQ(left, 0);
    }
}

// ---------------------------------------------------------------- packets that are not cut

TEST_CASE("a packet without work passes as it is, once, from where it lies; its data may have been verified") {
  for (const SegmentSpec& spec : kinds())
    for (const std::uint8_t flags : Bytes{0, 2}) {
      const Bytes packet = make_segment(spec);
      Bytes frame(header_size);
      frame[at_flags] = flags;
      frame.insert(frame.end(), packet.begin(), packet.end());
      const auto segmenter = std::make_unique<offload::Segmenter>();
      REQUIRE(segmenter->begin(frame));
      CHECK(segmenter->is_single());
      const auto pieces = segmenter->next();
      REQUIRE_EQ(pieces.size(), 1);
      CHECK(pieces[0].head.empty());
      CHECK_EQ(pieces[0].body.data(), frame.data() + header_size);
      CHECK(std::ranges::equal(pieces[0].body, packet));
      CHECK(segmenter->next().empty());
    }
}

TEST_CASE("a checksum that was left to finish is finished, without any other change") {
  for (const SegmentSpec& spec : kinds()) {
    const auto pieces = cut(with_byte(make_super_frame(spec, 0), at_kind, 0));
    REQUIRE(pieces);
    REQUIRE_EQ(pieces->size(), 1);
    CHECK(pieces->front() == make_segment(spec));
  }
}

TEST_CASE("a checksum of zero is finished as ffff") {
  Bytes frame(header_size + 8);
  frame[at_flags] = VirtioNetHeader::needs_checksum;
  store_native(frame, at_offset, 6);
  store_be<std::uint16_t>(&frame[header_size], 0x1234);
  store_be<std::uint16_t>(&frame[header_size + 6], 0xedcb);
  const auto pieces = cut(frame);
  REQUIRE(pieces);
  CHECK_EQ(load_be<std::uint16_t>(&pieces->front()[6]), 0xffff);
}

TEST_CASE("a checksum field is inside the packet, or the packet is dropped") {
  const Bytes whole = with_byte(make_super_frame({.payload = pattern(4)}, 0), at_kind, 0);  // 44 bytes
  CHECK_FALSE(refused(with_field(with_field(whole, at_start, 20), at_offset, 22)));
  CHECK(refused(with_field(with_field(whole, at_start, 20), at_offset, 23)));
  CHECK_FALSE(refused(with_field(with_field(whole, at_start, 42), at_offset, 0)));
  CHECK(refused(with_field(with_field(whole, at_start, 43), at_offset, 0)));
  CHECK(refused(with_field(with_field(whole, at_start, 44), at_offset, 0)));
  CHECK(refused(with_field(with_field(whole, at_start, 65535), at_offset, 65535)));
  CHECK(refused(with_field(with_field(whole, at_start, 0), at_offset, 65535)));
}

// ---------------------------------------------------------------- headers that do not fit the packet

TEST_CASE("a frame without a packet is refused") {
  for (std::size_t size = 0; size <= header_size; ++size) CHECK(refused(Bytes(size)));
  CHECK_FALSE(refused(Bytes(header_size + 1)));
}

TEST_CASE("kinds that were not asked for, and those of the other family, are refused") {
  for (const bool v4 : {true, false}) {
    const Bytes tcp = make_super_frame({.v4 = v4, .payload = pattern(300)}, 100);
    for (unsigned kind = 1; kind < 256; ++kind) {
      const bool right = (kind & 0x7f) == (v4 ? 1U : 4U);
      CHECK_EQ(refused(with_byte(tcp, at_kind, kind)), !right);
    }
  }
}

TEST_CASE("segments of no size, and checksums that are not left to finish, are refused") {
  for (const SegmentSpec& spec : kinds()) {
    CHECK(refused(make_super_frame(spec, 0)));
    CHECK(refused(with_byte(make_super_frame(spec, 100), at_flags, 0)));
    CHECK(refused(with_byte(make_super_frame(spec, 100), at_flags, 2)));
  }
}

TEST_CASE("every other place for the checksum is refused") {
  for (const SegmentSpec& spec : kinds()) {
    const Bytes frame = make_super_frame(spec, 100);
    const unsigned right = spec.tcp ? 16 : 6;
    for (unsigned offset = 0; offset < 256; ++offset)
      CHECK_EQ(refused(with_field(frame, at_offset, static_cast<std::uint16_t>(offset))), offset != right);
  }
}

TEST_CASE(
    "an IPv4 transport header that does not begin where the IP header ends is refused, wherever it is said to be") {
  const Bytes frame = make_super_frame({.ip_options = pattern(8), .payload = Bytes(1000, 0x50)}, 100);
  for (unsigned start = 0; start <= 0xffff; ++start)
    if (refused(with_field(frame, at_start, static_cast<std::uint16_t>(start))) != (start != 28)) FAIL("start ", start);
}

TEST_CASE("an IPv6 transport header inside the IP header, or too far behind it, is refused") {
  const Bytes frame = make_super_frame({.v4 = false, .payload = Bytes(1000, 0x50)}, 100);
  for (unsigned start = 0; start <= 0xffff; ++start) {
    const bool accepted = !refused(with_field(frame, at_start, static_cast<std::uint16_t>(start)));
    // Where the payload begins, it looks like a header of 5 words; 192 bytes of headers are the most.
    if (start < 40 || start > 192 - 20) CHECK_FALSE(accepted);
    if (start == 40 || (start >= 60 && start <= 192 - 20)) CHECK(accepted);
  }
}

TEST_CASE("a TCP header of less than 5 words, or without a payload behind it, is refused") {
  const Bytes frame = make_super_frame({.payload = pattern(8)}, 4);
  for (unsigned words = 0; words < 16; ++words)
    CHECK_EQ(refused(with_byte(frame, header_size + 20 + 12, words << 4)), words < 5 || words > 6);
  for (SegmentSpec spec : kinds()) {
    spec.payload.clear();
    CHECK(refused(make_super_frame(spec, 100)));
  }
}

TEST_CASE("an IP version or a length that does not fit the packet is refused") {
  for (const SegmentSpec& spec : kinds()) {
    const Bytes frame = make_super_frame(spec, 100);
    const std::size_t length = header_size + (spec.v4 ? 2 : 4);
    const auto right = load_be<std::uint16_t>(&frame[length]);
    for (unsigned value = 0; value <= 0xffff; value += 17) {
      Bytes lie = frame;
      store_be(&lie[length], static_cast<std::uint16_t>(value));
      if (value != right) CHECK(refused(lie));
    }
    for (unsigned version = 0; version < 16; ++version)
      CHECK_EQ(refused(with_byte(frame, header_size, version << 4 | (frame[header_size] & 0xf))),
               version != (spec.v4 ? 4U : 6U));
    CHECK(refused({frame.begin(), frame.end() - 1}));
  }
}

TEST_CASE("no prefix of a super-packet is read beyond its end") {
  for (const SegmentSpec& spec : kinds()) {
    const Bytes frame = make_super_frame(spec, 100);
    const GuardedBuffer buffer(frame.size());
    const auto segmenter = std::make_unique<offload::Segmenter>();
    for (std::size_t size = 0; size < frame.size(); ++size) {
      copy_bytes(buffer.last(size).data(), ByteView(frame).first(size));
      CHECK_FALSE(segmenter->begin(buffer.last(size)));
    }
    copy_bytes(buffer.all().data(), frame);
    CHECK(cut(*segmenter, buffer.all()) == cut(frame));
  }
}

TEST_CASE("frames of any length with garbage for headers stay inside their memory") {
  const GuardedBuffer buffer(header_size + 65535);
  const Bytes garbage = pattern(header_size + 65535, 31);
  const auto segmenter = std::make_unique<offload::Segmenter>();
  for (std::size_t size = 0; size <= garbage.size(); size += size < 300 ? 1 : 997)
    for (unsigned seed = 0; seed < 64; ++seed) {
      const ByteSpan frame = buffer.last(size);
      copy_bytes(frame.data(), ByteView(garbage).first(size));
      if (size > header_size + 40) {
        // Similar to a real header, so that the segmenter does not refuse it at once.
        frame[at_flags] = seed & 1;
        frame[at_kind] = std::array<std::uint8_t, 4>{0, 1, 4, 5}[seed / 2 % 4];
        frame[at_start] = seed & 8 ? 20 : 40;
        frame[at_start + 1] = 0;
        frame[at_offset] = seed & 16 ? 16 : 6;
        frame[at_offset + 1] = 0;
        frame[header_size] = seed & 32 ? 0x45 : 0x60;
        store_be(&frame[header_size + (seed & 32 ? 2 : 4)],
                 static_cast<std::uint16_t>(size - header_size - (seed & 32 ? 0 : 40)));
      }
      const auto pieces = cut(*segmenter, frame);
      if (!pieces) continue;
      for (const Bytes& piece : *pieces) CHECK_LE(piece.size(), size - header_size);
    }
}
