// Inner packets: a packet that parses is whole, and a congestion mark changes nothing else in it.
//
// The first byte is the outer ECN, the rest is the packet.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "wg4netns/core/inner_packet.h"

namespace {

using wg4::ByteView;
using wg4::Ecn;
using wg4::InnerPacket;

bool inside(const std::uint8_t* address, std::size_t size, ByteView packet) {
  return address >= packet.data() && address + size <= packet.data() + packet.size();
}

void check_mark(Ecn outer, std::vector<std::uint8_t> packet, bool v4) {
  const std::vector<std::uint8_t> before = packet;
  const Ecn inner = InnerPacket::parse(packet, packet.size())->ecn();
  wg4::decapsulate_ecn(outer, packet);
  const auto parsed = InnerPacket::parse(packet, packet.size());
  CHECK(parsed.has_value());
  CHECK((inner == Ecn::not_ect) == (parsed->ecn() == Ecn::not_ect));
  if (inner == Ecn::ce) CHECK(parsed->ecn() == Ecn::ce);
  for (std::size_t i = 0; i < packet.size(); ++i)
    CHECK(packet[i] == before[i] || i == 1 || (v4 && (i == 10 || i == 11)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto outer = static_cast<Ecn>(data[0] & 3);
  const ByteView bytes(data + 1, size - 1);
  const auto packet = InnerPacket::parse(bytes, bytes.size());
  if (!packet) return 0;
  const std::size_t address_size = packet->is_v4() ? 4 : 16;
  CHECK(packet->length() >= (packet->is_v4() ? 20U : 40U));
  CHECK(packet->length() <= bytes.size());
  CHECK(inside(packet->source(), address_size, bytes));
  CHECK(inside(packet->destination(), address_size, bytes));
  CHECK(wg4::encapsulate_ecn(packet->ecn()) != Ecn::ce);
  check_mark(outer, {bytes.begin(), bytes.end()}, packet->is_v4());
  return 0;
}
