// Cutting and merging undo each other. A failure names its seed.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "tests/support/mixed_stream.h"
#include "tests/support/offload_runs.h"
#include "tests/support/segments.h"

#include <doctest/doctest.h>

using namespace wg4;
using namespace wg4::test;

namespace {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : generator_(seed) {}
  /// 0..end-1
  std::size_t below(std::size_t end) { return generator_() % end; }

 private:
  std::mt19937_64 generator_;
};

/// A super-packet as the kernel makes them, without IP options, which a merged one cannot have.
SegmentSpec random_super_packet(Chance& chance) {
  SegmentSpec spec{
      .v4 = chance.below(2) == 0, .tcp = chance.below(2) == 0, .flow = static_cast<std::uint8_t>(chance.below(256))};
  spec.tos = static_cast<std::uint8_t>(chance.below(256));
  spec.ttl = static_cast<std::uint8_t>(chance.below(256));
  spec.id = static_cast<std::uint16_t>(chance.below(65536));
  spec.fragment = chance.below(2) == 0 ? 0x4000 : 0;
  spec.flow_label = static_cast<std::uint32_t>(chance.below(1 << 20));
  spec.sequence = static_cast<std::uint32_t>(chance.below(std::size_t{1} << 32));
  spec.acknowledgement = static_cast<std::uint32_t>(chance.below(std::size_t{1} << 32));
  spec.window = static_cast<std::uint16_t>(chance.below(65536));
  constexpr std::array<std::uint8_t, 4> flags{0x10, 0x18, 0x50, 0x11};
  spec.flags = flags[chance.below(flags.size())];
  spec.tcp_options = pattern(4 * chance.below(11), chance.below(1000));
  return spec;
}

}  // namespace

TEST_CASE("cutting and then merging gives the original packet") {
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    Chance chance(seed);
    SegmentSpec spec = random_super_packet(chance);
    const std::size_t gso_size = 1 + chance.below(chance.below(2) == 0 ? 100 : 9000);
    const std::size_t most = std::min<std::size_t>(65535 - spec.headers(), gso_size * (spec.tcp ? 128 : 64));
    if (most <= gso_size) continue;
    spec.payload = pattern(gso_size + 1 + chance.below(most - gso_size), seed);
    const Bytes frame = make_super_frame(spec, gso_size);
    const auto pieces = cut(frame);
    if (!pieces || *pieces != cut_by_hand(make_segment(spec), spec.transport(), spec.tcp, gso_size))
      FAIL("seed ", seed);
    if (merge(*pieces) != std::vector<Bytes>{frame}) FAIL("seed ", seed);
  }
}

TEST_CASE("merging and then cutting gives the original packets, and each flow keeps its order") {
  std::size_t packet_count = 0;
  std::size_t frame_count = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Chance chance(seed);
    MixedStream stream([&chance](std::size_t end) { return chance.below(end); });
    std::vector<Bytes> in;
    for (std::size_t i = chance.below(300); i > 0; --i) in.push_back(stream.next());
    std::vector<Bytes> out;
    for (const Bytes& frame : merge(in)) {
      const auto pieces = cut(frame);
      if (!pieces) FAIL("seed ", seed);
      out.insert(out.end(), pieces->begin(), pieces->end());
      ++frame_count;
    }
    if (by_flow(out) != by_flow(in)) FAIL("seed ", seed);
    packet_count += in.size();
  }
  // Some packets of the streams can be merged, and some not.
  CHECK_LT(frame_count, packet_count * 3 / 4);
  CHECK_GT(frame_count, packet_count / 10);
}
