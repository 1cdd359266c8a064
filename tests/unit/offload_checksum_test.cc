#include "shared/base/bytes.h"
#include "wg4netns/offload/checksum.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/support/guarded_buffer.h"
#include "tests/support/segments.h"

#include <doctest/doctest.h>

using namespace wg4;
using namespace wg4::test;

namespace {

std::uint16_t checksum_of(offload::Sum sum) {
  std::array<std::uint8_t, 2> field{};
  offload::store_checksum(field.data(), sum);
  return load_be<std::uint16_t>(field.data());
}

}  // namespace

TEST_CASE("every length up to 2 KiB, ending at a guard page, so at every alignment") {
  const GuardedBuffer buffer(2048);
  const Bytes bytes = pattern(2048, 99);
  copy_bytes(buffer.all().data(), bytes);
  for (std::size_t size = 0; size <= 2048; ++size) {
    const ByteView part = buffer.last(size);
    if (checksum_of(offload::add_bytes(0, part)) != naive_checksum(part)) FAIL("length ", size);
  }
}

TEST_CASE("every start in a cache line, for lengths around the blocks that are added at once") {
  const Bytes bytes = pattern(1024, 5);
  for (std::size_t start = 0; start < 64; ++start)
    for (const std::size_t size :
         std::vector<std::size_t>{0, 1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 129, 191, 192, 700}) {
      const ByteView part = ByteView(bytes).subspan(start, size);
      if (checksum_of(offload::add_bytes(0, part)) != naive_checksum(part)) FAIL(start, " + ", size);
    }
}

TEST_CASE("lengths up to a whole packet, of bytes that carry in every lane") {
  const Bytes bytes(65535, 0xff);
  for (std::size_t size = 0; size <= bytes.size(); size += 251) {
    const ByteView part = ByteView(bytes).first(size);
    CHECK_EQ(checksum_of(offload::add_bytes(0, part)), naive_checksum(part));
  }
  CHECK_EQ(checksum_of(offload::add_bytes(0, bytes)), naive_checksum(bytes));
}

TEST_CASE("pieces of even length add up to the whole") {
  const Bytes bytes = pattern(301);
  const ByteView all(bytes);
  for (std::size_t cut = 0; cut <= 300; cut += 2) {
    const offload::Sum sum = offload::add_bytes(offload::add_bytes(0, all.first(cut)), all.subspan(cut));
    CHECK_EQ(checksum_of(sum), naive_checksum(all));
  }
}

TEST_CASE("a word in host order counts like its bytes on the wire") {
  const Bytes bytes{0x12, 0x34, 0xfe, 0xdc};
  CHECK_EQ(offload::fold(offload::add_word(offload::add_word(0, 0x1234), 0xfedc)),
           offload::fold(offload::add_bytes(0, bytes)));
}

TEST_CASE("folding takes every carry") {
  CHECK_EQ(offload::fold(0), 0);
  CHECK_EQ(offload::fold(0xffff), 0xffff);
  CHECK_EQ(offload::fold(0x10000), 1);
  CHECK_EQ(offload::fold(0xffffffffffffffff), 0xffff);
  CHECK_EQ(offload::fold(0xfffffffffffffffe), 0xfffe);
  CHECK_EQ(offload::fold(0x0001'0001'ffff'fffe), 1);
}

TEST_CASE("packets of both families and protocols verify with the pseudo-header") {
  for (const bool v4 : {true, false})
    for (const bool tcp : {true, false}) {
      const SegmentSpec spec{.v4 = v4, .tcp = tcp, .flow = 7, .payload = pattern(33)};
      const Bytes packet = make_segment(spec);
      const ByteView transport = ByteView(packet).subspan(spec.transport());
      offload::Sum sum = offload::pseudo_header(packet.data(), tcp ? 6 : 17);
      sum = offload::add_word(sum, static_cast<std::uint16_t>(transport.size()));
      CHECK_EQ(offload::fold(offload::add_bytes(sum, transport)), 0xffff);
    }
}
