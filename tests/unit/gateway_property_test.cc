// For every packet: translating there and back gives the same packet, with correct checksums.

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>

#include "shared/net/ip_address.h"
#include "tests/support/packets.h"
#include "tests/unit/gateway_support.h"
#include "wg4netns/gateway/gateway.h"

#include <doctest/doctest.h>

using namespace wg4;
using namespace wg4::test;

namespace {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  template <std::size_t N>
  std::array<std::uint8_t, N> bytes() {
    std::array<std::uint8_t, N> result;
    for (auto& byte : result) byte = static_cast<std::uint8_t>(below(256));
    return result;
  }
  IpAddress address(bool v4) { return v4 ? IpAddress::v4(bytes<4>()) : IpAddress::v6(bytes<16>()); }
  Bytes payload() {
    Bytes result(below(64));
    for (auto& byte : result) byte = below(4) == 0 ? 0xff : static_cast<std::uint8_t>(below(256));
    return result;
  }

 private:
  std::mt19937_64 engine_;
};

PacketSpec turned(PacketSpec spec) {
  std::swap(spec.source, spec.destination);
  std::swap(spec.source_port, spec.destination_port);
  return spec;
}

}  // namespace

TEST_CASE("a query and its reply: right checksums, and nothing but addresses changed") {
  for (unsigned seed = 0; seed < 5000; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const bool v4 = random.below(2) == 0;
    const IpAddress server = random.address(v4);
    GatewayOptions options = engine_gateway({server});
    const IpAddress asked = v4 ? options.dns_v4 : options.dns_v6;
    Gateway gateway(options);
    PacketSpec query{.source = random.address(v4),
                     .destination = asked,
                     .protocol = random.below(2) == 0 ? Protocol::udp : Protocol::tcp,
                     .payload = random.payload(),
                     .source_port = static_cast<std::uint16_t>(random.below(65536)),
                     .destination_port = dns_port,
                     .tcp_flags = 0x02};
    Bytes frame = frame_of(make_packet(query));
    REQUIRE(gateway.outbound(frame, at(0)) == Gateway::Verdict::pass);
    PacketSpec expected = query;
    expected.destination = server;
    CHECK(packet_in(frame) == make_packet(expected));

    Bytes reply = make_packet(turned(expected));
    gateway.inbound(reply);
    CHECK(reply == make_packet(turned(query)));
  }
}

TEST_CASE("other packets pass unchanged in both directions") {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const bool v4 = random.below(2) == 0;
    Gateway gateway(engine_gateway({ip("10.64.0.1"), ip("fd64::1")}));
    const Bytes packet = make_packet({.source = random.address(v4),
                                      .destination = random.address(v4),
                                      .protocol = random.below(2) == 0 ? Protocol::udp : Protocol::tcp,
                                      .payload = random.payload(),
                                      .destination_port = dns_port});
    Bytes frame = frame_of(packet);
    REQUIRE(gateway.outbound(frame, at(0)) == Gateway::Verdict::pass);
    CHECK(packet_in(frame) == packet);
    Bytes in = packet;
    gateway.inbound(in);
    CHECK(in == packet);
  }
}
