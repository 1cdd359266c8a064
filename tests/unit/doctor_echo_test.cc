// Pings as packets: valid ones are sent, and only the right answer is accepted.

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "wg4netns/doctor/echo.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "wg4netns/core/inner_packet.h"
#include "wg4netns/offload/checksum.h"

using namespace wg4;
using namespace wg4::doctor;

namespace {

EchoRequest request(bool v4, std::size_t size = 64) {
  const auto address = [](const char* text) { return IpAddress::parse(text).value(); };
  return {.source = address(v4 ? "10.0.0.1" : "fd00::1"),
          .destination = address(v4 ? "10.0.0.2" : "fd00::2"),
          .id = 0x1234,
          .sequence = 7,
          .size = size};
}

/// The other side's reply: addresses swapped, another type.
std::vector<std::uint8_t> reply_to(const EchoRequest& echo) {
  EchoRequest back = echo;
  std::swap(back.source, back.destination);
  std::vector<std::uint8_t> packet = make_echo(back);
  const bool v4 = echo.destination.is_v4();
  packet[v4 ? 20 : 40] = v4 ? 0 : 129;
  return packet;
}

}  // namespace

TEST_CASE("a request is a whole packet of the size that was asked for, with right checksums") {
  for (const bool v4 : {true, false}) {
    for (const std::size_t size : {min_echo, std::size_t{64}, std::size_t{1420}, std::size_t{9001}}) {
      const auto packet = make_echo(request(v4, size));
      CHECK_EQ(packet.size(), size);
      const auto inner = InnerPacket::parse(packet, packet.size());
      REQUIRE(inner.has_value());
      CHECK_EQ(inner->length(), size);
      const ByteView icmp = ByteView(packet).subspan(v4 ? 20 : 40);
      if (v4) CHECK_EQ(offload::fold(offload::add_bytes(0, ByteView(packet).first(20))), 0xffff);
      const auto start =
          v4 ? offload::Sum{0}
             : offload::add_word(offload::pseudo_header(packet.data(), 58), static_cast<std::uint16_t>(icmp.size()));
      CHECK_EQ(offload::fold(offload::add_bytes(start, icmp)), 0xffff);
    }
  }
}

TEST_CASE("only its own answer counts, whole or its first fragment") {
  for (const bool v4 : {true, false}) {
    const EchoRequest echo = request(v4);
    const auto reply = reply_to(echo);
    CHECK(answers(reply, echo));
    CHECK_FALSE(answers(make_echo(echo), echo));
    const std::size_t icmp = v4 ? 20 : 40;
    for (const std::size_t changed :
         {icmp, icmp + 5, icmp + 7, std::size_t{v4 ? 15U : 23U}, std::size_t{v4 ? 9U : 6U}}) {
      auto other = reply;
      other[changed] ^= 1U;
      CHECK_FALSE(answers(other, echo));
    }
  }
  auto fragment = reply_to(request(true));
  fragment[6] = 0x20;  // more fragments
  CHECK(answers(fragment, request(true)));
  fragment[7] = 1;  // not the first one
  CHECK_FALSE(answers(fragment, request(true)));
}

TEST_CASE("packets of every length are looked at safely") {
  for (const bool v4 : {true, false}) {
    const auto reply = reply_to(request(v4));
    for (std::size_t size = 0; size < reply.size(); ++size) {
      std::vector<std::uint8_t> part(reply.begin(), reply.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK_FALSE(answers(part, request(v4)));
      if (size > 6) {  // ... which says that it is whole
        part[v4 ? 2 : 4] = 0;
        part[v4 ? 3 : 5] = static_cast<std::uint8_t>(v4 ? size : size > 40 ? size - 40 : 0);
        static_cast<void>(answers(part, request(v4)));
      }
    }
  }
}
