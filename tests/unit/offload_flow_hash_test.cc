// The queue of a packet: the same for a flow in both directions, and not the same for all flows.

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "shared/base/bytes.h"
#include "wg4netns/offload/flow_hash.h"

using namespace wg4;
using wg4::offload::flow_hash;

namespace {

/// The headers of a UDP packet between host `source` and host `destination`, as far as the hash reads them.
std::vector<std::uint8_t> packet(bool v4, std::uint8_t source, std::uint8_t destination, std::uint16_t from,
                                 std::uint16_t to) {
  const std::size_t header = v4 ? 20 : 40;
  std::vector<std::uint8_t> bytes(header + 8);
  bytes[0] = v4 ? 0x45 : 0x60;
  bytes[v4 ? 9 : 6] = 17;
  bytes[v4 ? 15 : 23] = source;
  bytes[v4 ? 19 : 39] = destination;
  store_be(bytes.data() + header, from);
  store_be(bytes.data() + header + 2, to);
  return bytes;
}

}  // namespace

TEST_CASE("both directions of a flow have one hash") {
  for (const bool v4 : {true, false})
    CHECK_EQ(flow_hash(packet(v4, 1, 2, 1000, 53)), flow_hash(packet(v4, 2, 1, 53, 1000)));
}

TEST_CASE("flows that differ in one number are spread over all queues") {
  for (const bool v4 : {true, false}) {
    std::set<std::uint32_t> by_port;
    std::set<std::uint32_t> by_address;
    for (std::uint8_t i = 0; i < 64; ++i) {
      by_port.insert(flow_hash(packet(v4, 1, 2, static_cast<std::uint16_t>(1000 + i), 80)) % 8);
      by_address.insert(flow_hash(packet(v4, i, 2, 1000, 80)) % 8);
    }
    CHECK_EQ(by_port.size(), 8);
    CHECK_EQ(by_address.size(), 8);
  }
}

TEST_CASE("fragments of one datagram stay together, ports or not") {
  auto first = packet(true, 1, 2, 1000, 80);
  auto second = packet(true, 1, 2, 7, 9);  // payload where the first has its ports
  first[6] = 0x20;                         // more fragments
  second[7] = 100;                         // offset
  CHECK_EQ(flow_hash(first), flow_hash(second));
}

TEST_CASE("a packet that ends early is not read beyond its end, and counts by what it has") {
  for (const bool v4 : {true, false}) {
    const auto whole = packet(v4, 1, 2, 1, 2);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const std::size_t header = v4 ? 20 : 40;
      CHECK_EQ(flow_hash(cut) == flow_hash(whole), size >= header + 4);
    }
  }
}
