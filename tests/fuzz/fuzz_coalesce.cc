// Merging: for any packets in any order, cutting the merged packets again gives the same packets, and each flow keeps
// its order.
//
// The first byte chooses the kinds that the TUN takes (bits 0 to 2) and how the rest is read: as decisions of a stream
// of flows, or (bit 3) as packets, each behind two bytes of length and one that may make its length and its checksums
// right.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/support/mixed_stream.h"
#include "tests/support/offload_runs.h"
#include "tests/support/segments.h"
#include "wg4netns/offload/coalesce.h"
#include "wg4netns/offload/segment.h"
#include "wg4netns/offload/virtio_net_header.h"

namespace {

using wg4::ByteView;
using wg4::offload::CoalesceKinds;
using wg4::offload::Coalescer;
using wg4::offload::Gather;
using wg4::offload::Segmenter;
using wg4::test::Bytes;
using wg4::test::FuzzInput;

std::vector<Bytes> stream_of(FuzzInput& input) {
  wg4::test::MixedStream stream([&input](std::size_t end) { return input.u16() % end; });
  std::vector<Bytes> packets;
  while (!input.empty()) packets.push_back(stream.next());
  return packets;
}

void set_length(Bytes& packet) {
  const bool v4 = packet[0] >> 4 == 4;
  wg4::store_be(&packet[v4 ? 2 : 4], static_cast<std::uint16_t>(v4 ? packet.size() : packet.size() - 40));
}

std::vector<Bytes> packets_of(FuzzInput& input) {
  std::vector<Bytes> packets;
  while (!input.empty()) {
    const std::uint8_t repairs = input.u8();
    const ByteView bytes = input.take(input.u16());
    if (bytes.empty()) continue;
    Bytes packet(bytes.begin(), bytes.end());
    if ((repairs & 1) != 0 && packet.size() >= 40) set_length(packet);
    const std::size_t transport = packet[0] == 0x45 ? 20 : 40;
    const bool tcp = (repairs & 2) != 0;
    if ((repairs & 4) != 0 && packet.size() >= transport + 20) wg4::test::set_checksums(packet, transport, tcp);
    packets.push_back(std::move(packet));
  }
  return packets;
}

/// Merges, and sees that what the kernel is given is within its limits.
std::vector<Bytes> merge(std::vector<Bytes> packets, CoalesceKinds kinds) {
  const auto coalescer = std::make_unique<Coalescer>(kinds);
  std::vector<Bytes> frames;
  const auto write = [&frames](Gather gather) {
    CHECK(gather.size() >= 2 && gather.size() <= Coalescer::max_pieces + 1);
    CHECK(gather[0].size() == wg4::offload::virtio_net_header_size);
    frames.push_back(wg4::test::flatten(gather));
    CHECK(gather.size() == 2 || frames.back().size() - gather[0].size() <= Coalescer::max_length);
  };
  for (Bytes& packet : packets) coalescer->add(packet, write);
  coalescer->flush(write);
  const std::size_t count = frames.size();
  coalescer->flush(write);
  CHECK(frames.size() == count);
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto segmenter = std::make_unique<Segmenter>();
  FuzzInput input({data, size});
  const std::uint8_t mode = input.u8();
  const CoalesceKinds kinds{.tcp4 = (mode & 1) != 0, .tcp6 = (mode & 2) != 0, .udp = (mode & 4) != 0};
  const std::vector<Bytes> in = (mode & 8) != 0 ? packets_of(input) : stream_of(input);
  std::vector<Bytes> out;
  for (Bytes& frame : merge(in, kinds)) {
    const auto pieces = wg4::test::cut(*segmenter, frame);
    CHECK(pieces.has_value());
    out.insert(out.end(), pieces->begin(), pieces->end());
  }
  CHECK(out.size() == in.size());
  CHECK(wg4::test::by_flow(out) == wg4::test::by_flow(in));
  return 0;
}
