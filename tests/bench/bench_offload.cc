// What cutting and merging cost: nanoseconds for a super-packet of 64 KiB, and for each of the packets that it is made
// of or becomes; and how many bytes the checksum below both takes in a nanosecond.
//
//   bench_offload [--rounds N]    default 2000; a figure is the best of N rounds, because whatever else happens only
//   adds

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "tests/support/offload_runs.h"
#include "tests/support/segments.h"
#include "wg4netns/offload/checksum.h"
#include "wg4netns/offload/coalesce.h"
#include "wg4netns/offload/segment.h"

namespace wg4::bench {
namespace {

using Clock = std::chrono::steady_clock;
using test::Bytes;
using test::SegmentSpec;

constexpr std::size_t segment_size = 1380;
constexpr std::size_t segments = 47;  // as many as make a packet of 64 KiB

struct Subject {
  std::string_view name;
  SegmentSpec spec;
};

std::vector<Subject> subjects() {
  std::vector<Subject> list{{"TCP over IPv4", {.v4 = true, .tcp = true, .tcp_options = test::pattern(12)}},
                            {"TCP over IPv6", {.v4 = false, .tcp = true, .tcp_options = test::pattern(12)}},
                            {"UDP over IPv4", {.v4 = true, .tcp = false}},
                            {"UDP over IPv6", {.v4 = false, .tcp = false}}};
  for (Subject& subject : list) subject.spec.payload = test::pattern(segments * segment_size);
  return list;
}

/// Best of `rounds`, nanoseconds; what `prepare` does is not counted.
template <class Prepare, class Work>
double best_of(int rounds, Prepare prepare, Work work) {
  double best = 1e12;
  for (int round = 0; round < rounds; ++round) {
    prepare();
    const Clock::time_point start = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  return best;
}

void print(std::string_view what, double best, std::size_t packets) {
  fmt::print("{:<44}{:>10.0f}{:>10.1f}\n", what, best, best / static_cast<double>(packets));
}

double cutting(int rounds, const SegmentSpec& spec, bool& right) {
  const auto segmenter = std::make_unique<offload::Segmenter>();
  Bytes frame = test::make_super_frame(spec, segment_size);
  return best_of(
      rounds, [] {},
      [&] {
        std::size_t pieces = 0;
        right &= segmenter->begin(frame);
        for (auto batch = segmenter->next(); !batch.empty(); batch = segmenter->next()) pieces += batch.size();
        right &= pieces == segments;
      });
}

/// `expected`: writes to the TUN.
double merging(int rounds, const std::vector<Bytes>& packets, std::size_t expected, bool& right) {
  const auto coalescer = std::make_unique<offload::Coalescer>(test::all_kinds);
  std::vector<Bytes> work;
  return best_of(
      rounds, [&] { work = packets; },
      [&] {
        std::size_t writes = 0;
        const auto write = [&writes](offload::Gather) { ++writes; };
        for (Bytes& packet : work) coalescer->add(packet, write);
        coalescer->flush(write);
        right &= writes == expected;
      });
}

std::vector<Bytes> side_by_side(const SegmentSpec& spec, std::size_t flows) {
  std::vector<std::vector<Bytes>> runs;
  for (std::size_t i = 0; i < flows; ++i) {
    SegmentSpec flow = spec;
    flow.flow = static_cast<std::uint8_t>(i);
    runs.push_back(test::cut_by_hand(test::make_segment(flow), flow.transport(), flow.tcp, segment_size));
  }
  std::vector<Bytes> packets;
  for (std::size_t i = 0; i < segments; ++i)
    for (const auto& run : runs) packets.push_back(run[i]);
  return packets;
}

bool measure_checksum(int rounds) {
  fmt::print("checksum{:>46}\n", "bytes/ns");
  bool right = true;
  for (const std::size_t size : {std::size_t{40}, std::size_t{576}, std::size_t{1420}, std::size_t{65535}}) {
    const Bytes bytes = test::pattern(size);
    const auto plain = static_cast<std::uint16_t>(~test::naive_checksum(bytes));
    const std::uint16_t expected = offload::fold(offload::add_word(0, plain));
    constexpr std::size_t times = 64;  // one is too short for the clock
    const double best = best_of(
        rounds, [] {},
        [&] {
          for (std::size_t i = 0; i < times; ++i) right &= offload::fold(offload::add_bytes(0, bytes)) == expected;
        });
    fmt::print("{:>8} bytes{:>40.1f}\n", size, static_cast<double>(size * times) / best);
  }
  return right;
}

int run(int rounds) {
  bool right = measure_checksum(std::max(1, rounds / 10));
  fmt::print("\n{} segments of {} bytes, ns{:>21}{:>10}\n", segments, segment_size, "all", "each");
  for (const auto& [name, spec] : subjects())
    print(fmt::format("{}, cut", name), cutting(rounds, spec, right), segments);
  for (const auto& [name, spec] : subjects())
    print(fmt::format("{}, merged", name), merging(rounds, side_by_side(spec, 1), 1, right), segments);
  const SegmentSpec tcp = subjects()[0].spec;
  print("TCP over IPv4, 4 flows side by side, merged", merging(rounds, side_by_side(tcp, 4), 4, right), 4 * segments);
  const std::vector<Bytes> alone(segments, test::make_segment({}));
  print("bare acknowledgements, passed on", merging(rounds, alone, segments, right), segments);
  if (!right) fmt::print(stderr, "the results are wrong\n");
  return right ? 0 : 1;
}

}  // namespace
}  // namespace wg4::bench

int main(int count, char** arguments) {
  int rounds = 2000;
  if (count == 3 && std::string_view(arguments[1]) == "--rounds") rounds = std::atoi(arguments[2]);
  if ((count != 1 && count != 3) || rounds < 1) {
    fmt::print(stderr, "usage: bench_offload [--rounds N]\n");
    return 2;
  }
  return wg4::bench::run(rounds);
}
