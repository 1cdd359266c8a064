// Super-packets: whatever the headers claim, the pieces together have the packet's payload.
//
// The first byte says which wrong fields are corrected, so that an input gets further: bit 0 the IP length, bit 1 the
// checksum that is left to finish. The rest is one read of the TUN.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "tests/support/offload_runs.h"
#include "tests/support/segments.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/offload/segment.h"
#include "wg4netns/offload/virtio_net_header.h"

namespace {

using wg4::ByteSpan;
using wg4::ByteView;
using wg4::crypto::Plaintext;
using wg4::offload::Segmenter;
using wg4::offload::VirtioNetHeader;
using wg4::test::Bytes;

constexpr std::size_t header_size = wg4::offload::virtio_net_header_size;

struct Frame {
  explicit Frame(Bytes input)
      : bytes(std::move(input)), header(VirtioNetHeader::load(std::span(bytes).first<header_size>())) {}

  [[nodiscard]] ByteSpan packet() { return ByteSpan(bytes).subspan(header_size); }
  [[nodiscard]] bool tcp() const { return header.gso_type != VirtioNetHeader::gso_udp; }
  [[nodiscard]] bool v4() { return packet()[0] >> 4 == 4; }

  void set_length() {
    if (packet().size() < 40) return;
    const std::size_t length = v4() ? packet().size() : packet().size() - 40;
    wg4::store_be(&packet()[v4() ? 2 : 4], static_cast<std::uint16_t>(length));
  }
  /// True when there is a place for it.
  bool begin_checksum() {
    if (packet().size() < 40 || header.checksum_start + std::size_t{20} > packet().size()) return false;
    wg4::test::begin_checksum(packet(), header.checksum_start, tcp());
    return true;
  }

  Bytes bytes;
  VirtioNetHeader header;
};

void check_single(Frame& frame, ByteView before, Segmenter& segmenter) {
  const auto pieces = segmenter.next();
  CHECK(pieces.size() == 1 && pieces[0].head.empty());
  CHECK(pieces[0].body.data() == frame.packet().data() && pieces[0].body.size() == frame.packet().size());
  CHECK(segmenter.next().empty());
  const bool finished = (frame.header.flags & VirtioNetHeader::needs_checksum) != 0;
  const std::size_t field = std::size_t{frame.header.checksum_start} + frame.header.checksum_offset;
  for (std::size_t i = 0; i < before.size(); ++i)
    CHECK(frame.packet()[i] == before[i] || (finished && (i == field || i == field + 1)));
}

void check_piece(const Plaintext& piece, Frame& frame) {
  CHECK(piece.body.empty() || piece.head.size() % 64 == 0);
  if (piece.body.empty()) return;
  CHECK(piece.body.data() >= frame.bytes.data());
  CHECK(piece.body.data() + piece.body.size() <= frame.bytes.data() + frame.bytes.size());
}

void check_pieces(Frame& frame, ByteView before, Segmenter& segmenter, bool checksum_is_right) {
  const std::size_t transport = frame.header.checksum_start;
  const auto expected = wg4::test::cut_by_hand(before, transport, frame.tcp(), frame.header.gso_size);
  const std::size_t field = transport + frame.header.checksum_offset;
  std::size_t count = 0;
  for (auto batch = segmenter.next(); !batch.empty(); batch = segmenter.next())
    for (const Plaintext& piece : batch) {
      check_piece(piece, frame);
      Bytes bytes = wg4::test::flatten(std::array{piece.head, piece.body});
      CHECK(count < expected.size() && bytes.size() == expected[count].size());
      // Begun with another sum, it ends with another.
      if (!checksum_is_right) std::ranges::copy_n(&expected[count][field], 2, &bytes[field]);
      CHECK(bytes == expected[count]);
      ++count;
    }
  CHECK(count == expected.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto segmenter = std::make_unique<Segmenter>();
  if (size == 0) return 0;
  if (size - 1 <= header_size) {
    Bytes bytes(data + 1, data + size);
    CHECK(!segmenter->begin(bytes));
    return 0;
  }
  Frame frame({data + 1, data + size});
  frame.header.gso_type &= static_cast<std::uint8_t>(~VirtioNetHeader::gso_ecn);
  if ((data[0] & 1) != 0) frame.set_length();
  const bool checksum_is_right = (data[0] & 2) != 0 && frame.begin_checksum();
  const Bytes before(frame.packet().begin(), frame.packet().end());
  if (!segmenter->begin(frame.bytes)) return 0;
  CHECK(segmenter->is_single() == (frame.bytes[1] == VirtioNetHeader::gso_none));
  if (segmenter->is_single()) {
    check_single(frame, before, *segmenter);
  } else {
    check_pieces(frame, before, *segmenter, checksum_is_right);
  }
  return 0;
}
