#include <algorithm>
#include <cstdint>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "tests/support/packets.h"
#include "tests/unit/gateway_support.h"
#include "wg4netns/gateway/gateway.h"
#include "wg4netns/offload/virtio_net_header.h"

#include <doctest/doctest.h>

using namespace wg4;
using namespace wg4::test;
using Verdict = Gateway::Verdict;
using offload::VirtioNetHeader;

namespace {

constexpr std::uint8_t syn = 0x02;

const IpAddress own = ip("10.64.0.2");
const IpAddress far = ip("198.51.100.7");
const IpAddress own6 = ip("fd64::2");
const IpAddress far6 = ip("2001:db8::7");

/// Sends a SYN that announces `mss` behind the options `before`; returns the MSS as it leaves.
std::uint16_t announced_after(Gateway& gateway, const IpAddress& from, const IpAddress& to, std::uint16_t mss,
                              const Bytes& before = {}) {
  Bytes options = before;
  options.insert(options.end(), {2, 4, static_cast<std::uint8_t>(mss >> 8), static_cast<std::uint8_t>(mss)});
  options.resize((options.size() + 3) / 4 * 4);
  const auto words = static_cast<std::uint8_t>(5 + options.size() / 4);
  Bytes frame = frame_of(make_packet({.source = from,
                                      .destination = to,
                                      .protocol = Protocol::tcp,
                                      .payload = options,
                                      .tcp_flags = syn,
                                      .tcp_header_words = words}));
  REQUIRE(gateway.outbound(frame, at(0)) == Verdict::pass);
  CHECK(checksums_valid(packet_in(frame)));
  return load_be<std::uint16_t>(&packet_in(frame)[(from.is_v4() ? 20U : 40U) + 20 + before.size() + 2]);
}

}  // namespace

TEST_CASE("a packet that fits the tunnel passes, one that is a byte longer is answered") {
  Gateway gateway(engine_gateway({}));
  Bytes fits = frame_of(make_packet_of(tunnel_mtu, own, far));
  CHECK(gateway.outbound(fits, at(0)) == Verdict::pass);
  const Bytes packet = make_packet_of(tunnel_mtu + 1, own, far);
  Bytes frame = frame_of(packet);
  REQUIRE(gateway.outbound(frame, at(0)) == Verdict::answer);
  const ByteView answer = gateway.answer();
  CHECK(answer.size() == 576);
  CHECK(checksums_valid(answer));
  CHECK(source_of(answer) == far);
  CHECK(destination_of(answer) == own);
  CHECK(answer[9] == 1);
  CHECK(answer[20] == 3);  // destination unreachable: fragmentation needed
  CHECK(answer[21] == 4);
  CHECK(load_be<std::uint16_t>(&answer[26]) == tunnel_mtu);
  CHECK(std::ranges::equal(answer.subspan(28), ByteView(packet).first(548)));
}

TEST_CASE("IPv6 is told that the packet is too big") {
  Gateway gateway(engine_gateway({}));
  const Bytes packet = make_packet_of(9000, own6, far6);
  Bytes frame = frame_of(packet);
  REQUIRE(gateway.outbound(frame, at(0)) == Verdict::answer);
  const ByteView answer = gateway.answer();
  CHECK(answer.size() == 1280);
  CHECK(checksums_valid(answer));
  CHECK(source_of(answer) == far6);
  CHECK(answer[6] == 58);
  CHECK(answer[40] == 2);
  CHECK(load_be<std::uint32_t>(&answer[44]) == tunnel_mtu);
  CHECK(std::ranges::equal(answer.subspan(48), ByteView(packet).first(1232)));
}

TEST_CASE("the segments of a super-packet must fit") {
  Gateway gateway(engine_gateway({}));
  const Bytes packet =
      make_packet({.source = own, .destination = far, .protocol = Protocol::tcp, .payload = Bytes(9000)});
  const auto verdict = [&](std::uint16_t segment) {
    Bytes frame = frame_of(packet, {.flags = VirtioNetHeader::needs_checksum,
                                    .gso_type = VirtioNetHeader::gso_tcp4,
                                    .header_length = 40,
                                    .gso_size = segment,
                                    .checksum_start = 20,
                                    .checksum_offset = 16});
    return gateway.outbound(frame, at(0));
  };
  CHECK(verdict(tunnel_mtu - 40) == Verdict::pass);
  CHECK(verdict(tunnel_mtu - 39) == Verdict::answer);
  CHECK(gateway.answer()[21] == 4);
}

TEST_CASE("ICMP errors, packets to groups and later fragments are not answered") {
  Gateway gateway(engine_gateway({}));
  Bytes error = make_packet({.source = own, .destination = far, .protocol = Protocol::icmp, .payload = Bytes(2000)});
  error[20] = 3;
  Bytes piece = make_packet_of(2000, own, far);
  store_be<std::uint16_t>(&piece[6], 100);
  for (const Bytes& packet : {error, piece, make_packet_of(2000, own, ip("239.1.1.1")),
                              make_packet_of(2000, own6, ip("ff02::1")), make_packet_of(2000, ip("0.0.0.0"), far)}) {
    Bytes frame = frame_of(packet);
    CHECK(gateway.outbound(frame, at(0)) == Verdict::drop);
  }
  const Bytes echo =
      make_packet({.source = own, .destination = far, .protocol = Protocol::icmp, .payload = Bytes(2000)});
  Bytes frame = frame_of(echo);
  CHECK(gateway.outbound(frame, at(0)) == Verdict::answer);
}

TEST_CASE("answers are limited in rate") {
  Gateway gateway(engine_gateway({}));
  const auto answered = [&](double seconds) {
    int count = 0;
    for (int i = 0; i < 2000; ++i) {
      Bytes frame = frame_of(make_packet_of(2000, own, far));
      count += gateway.outbound(frame, at(seconds)) == Verdict::answer ? 1 : 0;
    }
    return count;
  };
  CHECK(answered(0) == 500);
  CHECK(answered(0.1) == 50);
  CHECK(answered(100) == 500);
}

TEST_CASE("a SYN announces no larger segments than fit") {
  Gateway gateway(engine_gateway({}));
  CHECK(announced_after(gateway, own, far, 65480) == tunnel_mtu - 40);
  CHECK(announced_after(gateway, own6, far6, 65460) == tunnel_mtu - 60);
  CHECK(announced_after(gateway, own, far, 1000) == 1000);
  CHECK(announced_after(gateway, own, far, 1460, {1}) == tunnel_mtu - 40);                 // on an odd offset
  CHECK(announced_after(gateway, own, far, 1460, {4, 2, 1, 3, 3, 7}) == tunnel_mtu - 40);  // behind others
}

TEST_CASE("malformed options are not changed") {
  Gateway gateway(engine_gateway({}));
  for (const Bytes& options : {Bytes{2, 0, 255, 255}, Bytes{2, 5, 255, 255}, Bytes{9, 200, 0, 0}, Bytes{0, 2, 4, 255},
                               Bytes{1, 1, 1, 2}, Bytes{2, 3, 255, 0}}) {
    const Bytes packet = make_packet({.source = own,
                                      .destination = far,
                                      .protocol = Protocol::tcp,
                                      .payload = options,
                                      .tcp_flags = syn,
                                      .tcp_header_words = 6});
    Bytes frame = frame_of(packet);
    CHECK(gateway.outbound(frame, at(0)) == Verdict::pass);
    CHECK(packet_in(frame) == packet);
  }
}
