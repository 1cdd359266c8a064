#include "shared/base/bytes.h"
#include "tests/support/segments.h"
#include "wg4netns/offload/coalesce.h"
#include "wg4netns/offload/virtio_net_header.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "tests/support/guarded_buffer.h"
#include "tests/support/offload_runs.h"

#include <doctest/doctest.h>

using namespace wg4;
using namespace wg4::test;
using offload::VirtioNetHeader;

namespace {

VirtioNetHeader header_of(const Bytes& frame) {
  return VirtioNetHeader::load(std::span(frame).first<offload::virtio_net_header_size>());
}

/// `count` consecutive segments.
std::vector<SegmentSpec> run_of(SegmentSpec spec, std::size_t count, std::size_t size = 100) {
  std::vector<SegmentSpec> run;
  for (std::size_t i = 0; i < count; ++i) {
    spec.payload = pattern(size, i * size);
    run.push_back(spec);
    spec.sequence += static_cast<std::uint32_t>(size);
    ++spec.id;
  }
  return run;
}

std::vector<Bytes> packets_of(const std::vector<SegmentSpec>& specs) {
  std::vector<Bytes> packets;
  for (const SegmentSpec& spec : specs) packets.push_back(make_segment(spec));
  return packets;
}

/// How many packets were merged into each frame; checks that cutting the frames gives the same packets in order.
std::vector<std::size_t> groups_of(const std::vector<Bytes>& packets, offload::CoalesceKinds kinds = all_kinds) {
  std::vector<std::size_t> sizes;
  std::vector<Bytes> out;
  for (const Bytes& frame : merge(packets, kinds)) {
    const auto pieces = cut(frame);
    REQUIRE(pieces);
    sizes.push_back(pieces->size());
    out.insert(out.end(), pieces->begin(), pieces->end());
  }
  CHECK(out == packets);
  return sizes;
}

using Sizes = std::vector<std::size_t>;

const std::vector<SegmentSpec> every_kind{
    {.v4 = true, .tcp = true}, {.v4 = false, .tcp = true}, {.v4 = true, .tcp = false}, {.v4 = false, .tcp = false}};

/// Five segments, of which `change` alters the third: it is merged neither with those before it nor with those behind.
void splits(const SegmentSpec& base, const std::function<void(SegmentSpec&)>& change) {
  auto run = run_of(base, 5);
  change(run[2]);
  const Sizes sizes = groups_of(packets_of(run));
  CHECK(sizes == Sizes{2, 1, 2});
}

}  // namespace

TEST_CASE("consecutive packets of a flow become one packet, whose header says how to cut it again") {
  for (SegmentSpec spec : every_kind) {
    spec.flow = 9;
    auto run = run_of(spec, 10);
    const auto frames = merge(packets_of(run));
    REQUIRE_EQ(frames.size(), 1);
    const VirtioNetHeader header = header_of(frames[0]);
    CHECK_EQ(header.flags, VirtioNetHeader::needs_checksum);
    CHECK_EQ(header.gso_type, spec.tcp ? (spec.v4 ? 1 : 4) : 5);
    CHECK_EQ(header.gso_size, 100);
    CHECK_EQ(header.header_length, spec.headers());
    CHECK_EQ(header.checksum_start, spec.transport());
    CHECK_EQ(header.checksum_offset, spec.tcp ? 16 : 6);
    SegmentSpec whole = run.front();
    whole.payload = pattern(1000);
    CHECK(frames[0] == make_super_frame(whole, 100));
  }
}

TEST_CASE("a packet that stays alone is not changed, and its virtio header is empty") {
  for (SegmentSpec spec : every_kind) {
    spec.payload = pattern(100);
    const Bytes packet = make_segment(spec);
    const auto frames = merge({packet});
    REQUIRE_EQ(frames.size(), 1);
    CHECK(packet_of(frames[0]) == packet);
    CHECK(std::ranges::all_of(std::span(frames[0]).first(offload::virtio_net_header_size),
                              [](auto b) { return b == 0; }));
  }
}

TEST_CASE("kinds that the TUN does not take in one piece stay alone") {
  for (std::size_t i = 0; i < every_kind.size(); ++i) {
    const auto packets = packets_of(run_of(every_kind[i], 4));
    const bool tcp4 = i == 0;
    const bool tcp6 = i == 1;
    CHECK(groups_of(packets, {.tcp4 = tcp4, .tcp6 = tcp6, .udp = !tcp4 && !tcp6}) == Sizes{4});
    CHECK(groups_of(packets, {.tcp4 = !tcp4, .tcp6 = !tcp6, .udp = tcp4 || tcp6}) == Sizes{1, 1, 1, 1});
    CHECK(groups_of(packets, {}) == Sizes{1, 1, 1, 1});
  }
}

// ---------------------------------------------------------------- where a group ends

TEST_CASE("a shorter segment is the last, a longer one begins a new group") {
  for (const SegmentSpec& spec : every_kind) {
    auto run = run_of(spec, 3);
    auto next = run_of(run.back(), 2, 99);
    next[0].sequence += 100;
    next[0].id = 3;
    run.push_back(next[0]);  // 99 bytes: the last
    SegmentSpec after = next[0];
    after.sequence += 99;
    ++after.id;
    run.push_back(after);  // 99 bytes again: another group
    after.sequence += 99;
    ++after.id;
    after.payload = pattern(100);
    run.push_back(after);  // longer than what that one began with
    CHECK(groups_of(packets_of(run)) == Sizes{4, 1, 1});
  }
}

TEST_CASE("PSH and FIN come last in a group and begin none") {
  for (const bool v4 : {true, false})
    for (const std::uint8_t end : Bytes{0x18, 0x11, 0x19}) {
      auto run = run_of({.v4 = v4}, 6);
      run[2].flags = end;
      run[3].flags = end;
      CHECK(groups_of(packets_of(run)) == Sizes{3, 1, 2});
    }
}

TEST_CASE("a packet that ends a group makes it be written at once") {
  for (const bool pushed : {true, false}) {
    auto run = run_of({}, 3);
    if (pushed) run[2].flags = 0x18;
    if (!pushed) run[2].payload.pop_back();
    auto packets = packets_of(run);
    const auto coalescer = std::make_unique<offload::Coalescer>(all_kinds);
    std::size_t writes = 0;
    for (Bytes& packet : packets) coalescer->add(packet, [&](offload::Gather) { ++writes; });
    CHECK_EQ(writes, 1);
  }
}

TEST_CASE("a group makes a packet of 65535 bytes at most") {
  for (const SegmentSpec& spec : every_kind) {
    const std::size_t fits = (65535 - spec.headers()) / 1380;
    CHECK(groups_of(packets_of(run_of(spec, fits + 3, 1380))) == Sizes{fits, 3});
    const std::size_t first = (65535 - spec.headers() + 1) / 2;
    auto run = run_of(spec, 2, first);
    run[1].payload = pattern(65535 - spec.headers() - first);
    CHECK(groups_of(packets_of(run)) == Sizes{2});  // full to the last byte
    run[1].payload.push_back(0);
    CHECK(groups_of(packets_of(run)) == Sizes{1, 1});
  }
}

TEST_CASE("a group has 128 packets at most; of UDP, 64") {
  for (const SegmentSpec& spec : every_kind) {
    const Sizes most = spec.tcp ? Sizes{128, 128, 44} : Sizes{64, 64, 64, 64, 44};
    CHECK(groups_of(packets_of(run_of(spec, 300, 10))) == most);
  }
}

// ---------------------------------------------------------------- what has to be the same

TEST_CASE("another TTL or hop limit is not merged") {
  for (const SegmentSpec& spec : every_kind) splits(spec, [](SegmentSpec& one) { --one.ttl; });
}

TEST_CASE("another TOS or traffic class is not merged, a congestion mark included") {
  for (const SegmentSpec& spec : every_kind)
    for (const std::uint8_t tos : Bytes{1, 3, 0x10, 0xb8}) splits(spec, [tos](SegmentSpec& one) { one.tos = tos; });
}

TEST_CASE("another flow label is not merged") {
  for (const bool tcp : {true, false}) splits({.v4 = false, .tcp = tcp}, [](SegmentSpec& one) { one.flow_label = 1; });
}

TEST_CASE("another DF bit, or the reserved one, is not merged") {
  for (const bool tcp : {true, false})
    for (const std::uint16_t flags : std::vector<std::uint16_t>{0x0000, 0x8000, 0xc000})
      splits({.tcp = tcp}, [flags](SegmentSpec& one) { one.fragment = flags; });
}

TEST_CASE("a gap or a repetition of sequence numbers is not merged") {
  for (const bool v4 : {true, false})
    for (const int shift : {-100, -1, 1, 100, 0x40000000}) {
      auto run = run_of({.v4 = v4}, 5);
      run[2].sequence += static_cast<std::uint32_t>(shift);
      CHECK(groups_of(packets_of(run)) == Sizes{2, 1, 2});
    }
}

TEST_CASE("another acknowledgement, window or urgent pointer is not merged") {
  for (const bool v4 : {true, false}) {
    splits({.v4 = v4}, [](SegmentSpec& one) { ++one.acknowledgement; });
    splits({.v4 = v4}, [](SegmentSpec& one) { ++one.window; });
    splits({.v4 = v4}, [](SegmentSpec& one) { ++one.urgent; });
  }
}

TEST_CASE("SYN, RST, URG and CWR are never merged, nor is a segment without ACK") {
  for (const bool v4 : {true, false})
    for (const std::uint8_t flags : Bytes{0x12, 0x14, 0x30, 0x90, 0x00}) {
      auto run = run_of({.v4 = v4}, 3);
      for (SegmentSpec& one : run) one.flags = flags;
      CHECK(groups_of(packets_of(run)) == Sizes{1, 1, 1});
      splits({.v4 = v4}, [flags](SegmentSpec& one) { one.flags = flags; });
    }
}

TEST_CASE("ECE is merged with ECE only") {
  for (const bool v4 : {true, false}) {
    splits({.v4 = v4}, [](SegmentSpec& one) { one.flags = 0x50; });
    CHECK(groups_of(packets_of(run_of({.v4 = v4, .flags = 0x50}, 4))) == Sizes{4});
  }
}

TEST_CASE("another timestamp or other options are not merged, equal ones are") {
  for (const bool v4 : {true, false}) {
    const SegmentSpec spec{.v4 = v4, .tcp_options = pattern(12)};
    CHECK(groups_of(packets_of(run_of(spec, 5))) == Sizes{5});
    for (const std::size_t at : std::vector<std::size_t>{0, 5, 11})
      splits(spec, [at](SegmentSpec& one) { ++one.tcp_options[at]; });
    splits(spec, [](SegmentSpec& one) { one.tcp_options.resize(16); });
    splits(spec, [](SegmentSpec& one) { one.tcp_options.clear(); });
  }
}

TEST_CASE("a reserved bit beside the TCP data offset is not merged") {
  for (const bool v4 : {true, false}) {
    const auto run = run_of({.v4 = v4}, 5);
    auto packets = packets_of(run);
    packets[2][run[2].transport() + 12] |= 1;
    set_checksums(packets[2], run[2].transport(), true);
    CHECK(groups_of(packets) == Sizes{2, 1, 2});
  }
}

TEST_CASE("an identification that neither counts up nor stays is not merged") {
  for (const bool tcp : {true, false})
    for (const std::uint16_t id : std::vector<std::uint16_t>{0, 1, 4, 0x8002, 0xffff})
      splits({.tcp = tcp}, [id](SegmentSpec& one) { one.id = id; });
  CHECK(groups_of(packets_of(run_of({.id = 0xfffe}, 5))) == Sizes{5});  // past its end
}

TEST_CASE("an identification that stays is merged with DF, and not without") {
  for (const bool tcp : {true, false})
    for (const bool df : {true, false}) {
      auto run = run_of({.tcp = tcp, .fragment = static_cast<std::uint16_t>(df ? 0x4000 : 0)}, 5);
      for (SegmentSpec& one : run) one.id = 77;
      CHECK_EQ(merge(packets_of(run)).size(), df ? 1 : 5);
      // The identification must continue as it began.
      run[3].id = 80;
      CHECK_EQ(merge(packets_of(run)).size(), df ? 3 : 5);
    }
}

TEST_CASE("a wrong checksum of TCP or UDP is never merged, and never made right") {
  for (const SegmentSpec& spec : every_kind)
    for (std::size_t bad = 0; bad < 4; ++bad)
      for (const bool in_payload : {true, false}) {
        auto packets = packets_of(run_of(spec, 4));
        packets[bad][in_payload ? packets[bad].size() - 1 : spec.transport() + (spec.tcp ? 16 : 6)] ^= 0x20;
        const std::array<Sizes, 4> expected{Sizes{1, 3}, Sizes{1, 1, 2}, Sizes{2, 1, 1}, Sizes{3, 1}};
        CHECK(groups_of(packets) == expected.at(bad));
      }
}

TEST_CASE("a wrong IPv4 header checksum is never merged, and never made right") {
  for (const bool tcp : {true, false})
    for (std::size_t bad = 0; bad < 4; ++bad) {
      auto packets = packets_of(run_of({.tcp = tcp}, 4));
      packets[bad][11] ^= 1;
      const std::array<Sizes, 4> expected{Sizes{1, 3}, Sizes{1, 1, 2}, Sizes{2, 1, 1}, Sizes{3, 1}};
      CHECK(groups_of(packets) == expected.at(bad));
    }
}

TEST_CASE("UDP without a checksum is never merged") {
  for (const bool v4 : {true, false}) {
    const auto run = run_of({.v4 = v4, .tcp = false}, 3);
    auto packets = packets_of(run);
    for (Bytes& packet : packets) store_be<std::uint16_t>(&packet[run[0].transport() + 6], 0);
    CHECK(groups_of(packets) == Sizes{1, 1, 1});
  }
}

TEST_CASE("UDP without a checksum is not merged even where zero is what the checksum comes to") {
  const auto run = run_of({.tcp = false}, 3);
  std::vector<Bytes> packets;
  for (SegmentSpec one : run) {
    // The payload's first word makes up for the rest.
    store_be<std::uint16_t>(one.payload.data(), 0);
    const Bytes before = make_segment(one);
    store_be(one.payload.data(), load_be<std::uint16_t>(&before[one.transport() + 6]));
    packets.push_back(make_segment(one));
    REQUIRE_EQ(load_be<std::uint16_t>(&packets.back()[one.transport() + 6]), 0xffff);
  }
  CHECK(groups_of(packets) == Sizes{3});
  for (Bytes& packet : packets) store_be<std::uint16_t>(&packet[run[0].transport() + 6], 0);
  CHECK(groups_of(packets) == Sizes{1, 1, 1});
}

TEST_CASE("UDP whose length is not that of the packet is never merged") {
  for (const bool v4 : {true, false})
    for (const int lie : {-1, 1, -108}) {
      const auto run = run_of({.v4 = v4, .tcp = false}, 3);
      auto packets = packets_of(run);
      for (Bytes& packet : packets) {
        std::uint8_t* length = &packet[run[0].transport() + 4];
        store_be(length, static_cast<std::uint16_t>(load_be<std::uint16_t>(length) + lie));
        set_checksums(packet, run[0].transport(), false);
      }
      CHECK(groups_of(packets) == Sizes{1, 1, 1});
    }
}

TEST_CASE("a packet without payload is never merged, and ends what is held of its flow") {
  for (const SegmentSpec& spec : every_kind) {
    auto run = run_of(spec, 5);
    run[2].payload.clear();
    run[3].sequence = run[2].sequence;
    run[4].sequence = run[3].sequence + 100;
    CHECK(groups_of(packets_of(run)) == Sizes{2, 1, 2});
    CHECK(groups_of(packets_of(run_of(spec, 3, 0))) == Sizes{1, 1, 1});
  }
}

TEST_CASE("fragments, IPv4 options and IPv6 extension headers are never merged") {
  for (const bool tcp : {true, false}) {
    for (const std::uint16_t fragment : std::vector<std::uint16_t>{0x2000, 0x2001, 0x0001, 0x1fff})
      CHECK(groups_of(packets_of(run_of({.tcp = tcp, .fragment = fragment}, 3))) == Sizes{1, 1, 1});
    CHECK(groups_of(packets_of(run_of({.tcp = tcp, .ip_options = pattern(8)}, 3))) == Sizes{1, 1, 1});
    CHECK(groups_of(packets_of(run_of({.v4 = false, .tcp = tcp, .ip_options = pattern(8)}, 3))) == Sizes{1, 1, 1});
  }
}

TEST_CASE("a TCP header of less than 5 words is never merged") {
  for (const bool v4 : {true, false})
    for (unsigned words = 0; words < 5; ++words) {
      auto run = run_of({.v4 = v4}, 3);
      // The rest of such a header counts as payload. Nothing else distinguishes these packets.
      for (std::size_t i = 0; i < run.size(); ++i) {
        run[i].sequence = static_cast<std::uint32_t>(i * (120 - 4 * words));
        run[i].payload.assign(100, 0);
      }
      auto packets = packets_of(run);
      for (Bytes& packet : packets) {
        packet[run[0].transport() + 12] = static_cast<std::uint8_t>(words << 4);
        set_checksums(packet, run[0].transport(), true);
      }
      CHECK(groups_of(packets) == Sizes{1, 1, 1});
    }
}

// ---------------------------------------------------------------- flows

TEST_CASE("other addresses and ports are another flow") {
  for (const SegmentSpec& spec : every_kind) {
    const std::size_t source = spec.v4 ? 12 : 8;
    const std::size_t destination = spec.v4 ? 16 : 24;
    const std::size_t ports = spec.transport();
    for (const std::size_t at : std::vector{source, destination - 1, destination, ports - 1, ports, ports + 3}) {
      auto packets = packets_of(run_of(spec, 5));
      packets[2][at] ^= 1;
      set_checksums(packets[2], spec.transport(), spec.tcp);
      const auto frames = merge(packets);
      CHECK(std::ranges::any_of(frames, [&](const Bytes& frame) { return packet_of(frame) == packets[2]; }));
    }
  }
}

TEST_CASE("TCP and UDP between the same addresses and ports are two flows, and so are IPv4 and IPv6") {
  std::vector<Bytes> packets;
  for (std::size_t i = 0; i < 4; ++i)
    for (const SegmentSpec& spec : every_kind) packets.push_back(make_segment(run_of(spec, 4)[i]));
  CHECK_EQ(merge(packets).size(), 4);
}

TEST_CASE("eight flows are merged at once, each in its order; a ninth makes one of them be written") {
  for (const std::size_t flows : std::vector<std::size_t>{8, 9}) {
    std::vector<std::vector<SegmentSpec>> runs;
    for (std::size_t i = 0; i < flows; ++i)
      runs.push_back(run_of({.v4 = i % 2 == 0, .tcp = i % 3 != 0, .flow = static_cast<std::uint8_t>(i)}, 6));
    std::vector<Bytes> packets;
    for (std::size_t i = 0; i < 6; ++i)
      for (const auto& run : runs) packets.push_back(make_segment(run[i]));
    const auto frames = merge(packets);
    std::vector<Bytes> out;
    for (const Bytes& frame : frames) {
      const auto pieces = cut(frame);
      REQUIRE(pieces);
      out.insert(out.end(), pieces->begin(), pieces->end());
    }
    CHECK(by_flow(out) == by_flow(packets));
    if (flows == 8) CHECK_EQ(frames.size(), 8);
    if (flows == 9) CHECK_GT(frames.size(), 9);
  }
}

TEST_CASE("a packet of unknown flow makes all held packets be written first") {
  for (const SegmentSpec& other :
       {SegmentSpec{.fragment = 0x2000, .payload = pattern(8)}, SegmentSpec{.ip_options = pattern(4)},
        SegmentSpec{.v4 = false, .ip_options = pattern(8)}}) {
    auto packets = packets_of(run_of({}, 4));
    packets.insert(packets.begin() + 2, make_segment(other));
    CHECK(groups_of(packets) == Sizes{2, 1, 2});
  }
}

TEST_CASE("a packet of another flow that stays alone leaves the group open") {
  auto packets = packets_of(run_of({}, 4));
  packets.insert(packets.begin() + 2, make_segment({.flow = 3}));  // a bare ACK of the other direction
  const auto frames = merge(packets);
  REQUIRE_EQ(frames.size(), 2);
  CHECK(packet_of(frames[0]) == packets[2]);
  CHECK_EQ(header_of(frames[1]).gso_size, 100);
}

// ---------------------------------------------------------------- memory

TEST_CASE("packets that end at a guard page, cut off anywhere, are not read beyond") {
  for (const SegmentSpec& base : every_kind) {
    SegmentSpec spec = base;
    spec.payload = pattern(30);
    spec.tcp_options = pattern(12);
    const Bytes packet = make_segment(spec);
    const GuardedBuffer buffer(packet.size());
    for (const bool length_follows : {true, false})
      for (std::size_t size = 0; size <= packet.size(); ++size) {
        const ByteSpan part = buffer.last(size);
        copy_bytes(part.data(), ByteView(packet).first(size));
        const std::size_t header = spec.v4 ? 20 : 40;
        if (length_follows && size >= header)
          store_be(&part[spec.v4 ? 2 : 4], static_cast<std::uint16_t>(spec.v4 ? size : size - header));
        const Bytes before(part.begin(), part.end());
        const auto coalescer = std::make_unique<offload::Coalescer>(all_kinds);
        std::size_t writes = 0;
        const auto write = [&](offload::Gather gather) {
          CHECK(packet_of(flatten(gather)) == before);
          ++writes;
        };
        coalescer->add(part, write);
        coalescer->flush(write);
        CHECK_EQ(writes, 1);
      }
  }
}

TEST_CASE("packets of any length with garbage for headers pass as they are") {
  std::vector<Bytes> packets;
  for (std::size_t size = 1; size <= 65535; size += size < 200 ? 1 : 2999)
    for (const std::uint8_t version : Bytes{0x45, 0x60, 0x00}) {
      Bytes packet = pattern(size, size);
      packet[0] = version;
      if (size > 9) packet[version == 0x45 ? 9 : 6] = size % 2 == 0 ? 6 : 17;
      if (size >= 40)
        store_be(&packet[version == 0x45 ? 2 : 4], static_cast<std::uint16_t>(version == 0x45 ? size : size - 40));
      packets.push_back(packet);
    }
  const auto frames = merge(packets);
  REQUIRE_EQ(frames.size(), packets.size());
  std::vector<Bytes> out;
  for (const Bytes& frame : frames) out.push_back(packet_of(frame));
  std::ranges::sort(out);
  std::ranges::sort(packets);
  CHECK(out == packets);
}
