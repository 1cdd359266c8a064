// Malformed and hostile bytes: they are dropped with a reason, and have no other effect.

#include "shared/base/bytes.h"
#include "shared/base/hex_base64.h"
#include "shared/net/ip_address.h"
#include "tests/sim/pair.h"
#include "tests/support/device_probe.h"
#include "tests/support/packets.h"
#include "tests/support/seeded_entropy.h"
#include "tests/support/sim_world.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/messages.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace wg4;
using namespace wg4::test;

namespace {

/// Shapes of inner packets that are not whole IP packets.
std::vector<Bytes> malformed_packets(const IpAddress& host_v4, const IpAddress& host_v6) {
  const Bytes v4 = make_packet({.source = ip("10.9.0.1"), .destination = host_v4, .payload = Bytes(50)});
  const Bytes v6 = make_packet({.source = ip("fd09::1"), .destination = host_v6, .payload = Bytes(50)});
  std::vector<Bytes> shapes;
  const auto add = [&](const Bytes& packet, auto change) {
    shapes.push_back(packet);
    change(shapes.back());
  };
  const auto set_u16 = [](std::size_t at, unsigned value) {
    return [at, value](Bytes& packet) { store_be(packet.data() + at, static_cast<std::uint16_t>(value)); };
  };
  for (std::size_t size = 1; size < 20; ++size) shapes.emplace_back(v4.begin(), v4.begin() + static_cast<long>(size));
  for (std::size_t size = 1; size < 40; ++size) shapes.emplace_back(v6.begin(), v6.begin() + static_cast<long>(size));
  for (unsigned version = 0; version < 16; ++version)
    if (version != 4 && version != 6)
      add(v4, [&](Bytes& packet) { packet[0] = static_cast<std::uint8_t>(version << 4 | 5); });
  for (std::uint8_t ihl = 0; ihl < 5; ++ihl)
    add(v4, [&](Bytes& packet) { packet[0] = static_cast<std::uint8_t>(0x40 | ihl); });
  add(v4, [](Bytes& packet) {
    packet[0] = 0x4f;
    packet.resize(59);
    store_be<std::uint16_t>(packet.data() + 2, 59);
  });
  for (const unsigned length : {0U, 1U, 19U, 79U, 0xffffU}) add(v4, set_u16(2, length == 79 ? 78 + 1 : length));
  for (const unsigned length : {59U, 60U, 1000U, 65495U, 65496U, 65500U, 65535U}) add(v6, set_u16(4, length));
  return shapes;
}

}  // namespace

TEST_CASE("an authenticated packet that is not a whole IP packet is never delivered") {
  Bench bench;
  REQUIRE(bench.shake());
  const auto shapes = malformed_packets(bench.host.inner(Family::v4), bench.host.inner(Family::v6));
  for (const Bytes& shape : shapes) {
    CAPTURE(encode_hex(shape));
    bench.hand(bench.sealed(shape));
    CHECK(bench.host.received().empty());
  }
  CHECK_EQ(bench.host.drops(DropReason::inner_malformed), shapes.size());
  bench.hand(bench.sealed(bench.packet()));  // and the session still works
  CHECK_EQ(bench.host.received().size(), 1);
}

TEST_CASE("padding of any length is removed") {
  Bench bench;
  REQUIRE(bench.shake());
  const Bytes packet = bench.packet();
  for (const std::size_t extra : {0U, 1U, 15U, 16U, 1000U}) {
    Bytes padded = packet;
    padded.resize(packet.size() + extra, 0xee);
    bench.hand(bench.sealed(padded));
    CHECK(bench.host.received().back() == packet);
  }
}

TEST_CASE("a malformed packet from the TUN is dropped") {
  Pair pair;
  for (const Bytes& shape : malformed_packets(ip("10.0.0.2"), ip("fd00::2"))) pair.a.send(shape);
  pair.a.send(Bytes{});
  pair.a.send(make_packet({.source = pair.a.inner(), .destination = ip("10.77.0.1")}));
  CHECK_EQ(pair.a.drops(DropReason::no_route), 1);
  CHECK_GT(pair.a.drops(DropReason::outbound_malformed), 70);
  CHECK(pair.wire.entries().empty());
}

TEST_CASE("a packet with another peer's or an unknown source address is not delivered") {
  Bench bench;
  SimHost& other = bench.world.add_host();
  bench.host.configure(other.as_peer());
  REQUIRE(bench.shake());
  for (const char* source : {"10.0.0.2", "10.0.0.1", "10.8.0.1", "0.0.0.0", "255.255.255.255", "127.0.0.1"})
    bench.hand(bench.sealed(make_packet({.source = ip(source), .destination = bench.host.inner()})));
  for (const char* source : {"fd00::2", "::", "::1", "fe80::1", "::ffff:10.9.0.1"})
    bench.hand(bench.sealed(make_packet({.source = ip(source), .destination = bench.host.inner(Family::v6)})));
  CHECK(bench.host.received().empty());
  CHECK_EQ(bench.host.drops(DropReason::inner_source), 11);
}

TEST_CASE("datagrams of every length are survived") {
  Bench bench;
  REQUIRE(bench.shake());
  bench.wire.clear();
  SeededEntropy entropy(1);
  Bytes bytes(65535);
  entropy.fill(bytes);
  for (std::size_t length = 1; length <= 65535; length += length < 300 || length > 65500 ? 1 : 97) {
    for (std::uint32_t type = 1; type <= 5; ++type) {
      if (length >= 8) {
        store_le(bytes.data(), type);
        store_le<std::uint32_t>(
            bytes.data() + 4,
            DeviceProbe::current(DeviceProbe::peer(bench.host.device(), bench.raw.public_key())->keypairs)
                ->local_index);
      }
      if (length >= 16) store_le<std::uint64_t>(bytes.data() + 8, 1000 + length);
      bench.hand(Bytes(bytes.begin(), bytes.begin() + static_cast<long>(length)));
    }
  }
  CHECK(bench.wire.entries().empty());
  CHECK(bench.host.received().empty());
  bench.hand(bench.sealed(bench.packet()));
  CHECK_EQ(bench.host.received().size(), 1);
}

TEST_CASE("the largest datagram that UDP carries is received") {
  Bench bench;
  REQUIRE(bench.shake());
  const Bytes packet = make_packet_of(max_datagram_size - data_overhead, ip("10.9.0.1"), bench.host.inner());
  bench.hand(bench.sealed(packet));
  REQUIRE_EQ(bench.host.received().size(), 1);
  CHECK(bench.host.received().front() == packet);
}

TEST_CASE("a segment size that does not fit the bytes causes no mix-up") {
  Bench bench;
  REQUIRE(bench.shake());
  const auto whole = [&] {
    Bytes bytes;
    for (int i = 0; i < 4; ++i) {
      const Bytes datagram = bench.sealed(bench.packet());
      bytes.insert(bytes.end(), datagram.begin(), datagram.end());
    }
    return bytes;
  };
  const std::size_t right = whole().size() / 4;
  for (const std::size_t segment : {std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{31}, std::size_t{32},
                                    right - 1, right, right + 1, 2 * right, std::size_t{100'000}, SIZE_MAX / 2}) {
    Bytes bytes = whole();
    const std::size_t before = bench.host.received().size();
    bench.receive(bytes, segment);
    const std::size_t delivered = bench.host.received().size() - before;
    CHECK_EQ(delivered, segment == right ? 4 : 0);
  }
  for (const Bytes& packet : bench.host.received()) CHECK(packet == bench.packet());
}

TEST_CASE("one run may mix message types, sessions and peers") {
  Bench bench;
  SimHost& other = bench.world.add_host();
  bench.host.configure(other.as_peer());
  other.configure(bench.host.as_peer());
  other.send_to(bench.host, text("hello"));
  bench.world.run_for(1s);
  REQUIRE_EQ(bench.host.received().size(), 1);
  REQUIRE(bench.shake());
  bench.wire.clear();
  other.send_to(bench.host, text("equal size of all that is data here, to be one run ......................."));
  const Bytes from_other = bench.wire.last().bytes;
  REQUIRE_EQ(from_other.size(), initiation_size - 4);

  bench.world.run_for(1s);
  const std::size_t before = bench.host.received().size();
  Bytes run;
  const auto append = [&](Bytes datagram) {
    datagram.resize(initiation_size);  // the sizes have to be equal
    run.insert(run.end(), datagram.begin(), datagram.end());
  };
  const Bytes own = make_packet_of(initiation_size - data_overhead, ip("10.9.0.1"), bench.host.inner());
  Bytes unknown = bench.sealed(own);
  unknown[7] ^= 0x80;
  Bytes forged = bench.sealed(own);
  forged[40] ^= 1;
  append(bench.sealed(own));
  append(bench.raw.initiation());
  append(unknown);
  append(bench.sealed(own));
  append(from_other);  // cut to another size: its tag cannot fit
  append(forged);
  append(Bytes(initiation_size, 0xff));
  append(bench.sealed(own));
  bench.receive(run, initiation_size);
  bench.host.turn();
  CHECK_EQ(bench.host.received().size(), before + 3);
  CHECK_EQ(bench.wire.sent(MessageType::response, bench.host).size(), 1);
  CHECK_EQ(bench.host.drops(DropReason::unknown_index), 1);
  CHECK_EQ(bench.host.drops(DropReason::bad_tag), 2);
  CHECK_EQ(bench.host.drops(DropReason::malformed_message), 1);
}

TEST_CASE("a run of more datagrams than a batch is processed completely and in order") {
  Bench bench;
  REQUIRE(bench.shake());
  Bytes run;
  std::vector<Bytes> packets;
  for (int i = 0; i < 500; ++i) {
    packets.push_back(bench.packet(std::to_string(1000 + i)));
    const Bytes datagram = bench.sealed(packets.back());
    run.insert(run.end(), datagram.begin(), datagram.end());
  }
  bench.receive(run, run.size() / 500);
  CHECK(bench.host.received() == packets);
}
