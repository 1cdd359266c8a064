#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "tests/support/packets.h"
#include "tests/unit/gateway_support.h"
#include "wg4netns/core/time.h"
#include "wg4netns/gateway/gateway.h"

#include <doctest/doctest.h>

using namespace wg4;
using namespace wg4::test;
using Verdict = Gateway::Verdict;

namespace {

constexpr std::uint8_t syn = 0x02;
constexpr std::uint8_t ack = 0x10;
constexpr std::uint8_t rst = 0x04;

const IpAddress own = ip("10.64.0.2");
const IpAddress virtual_server = ip("10.0.2.3");
const IpAddress first = ip("10.64.0.1");
const IpAddress second = ip("10.64.0.9");

/// A query for "a." with id 7 and recursion desired.
const Bytes question{0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1};

PacketSpec query_to(const IpAddress& server, std::uint16_t port = 4000, Protocol protocol = Protocol::udp) {
  return {.source = server.is_v4() ? own : ip("fd64::2"),
          .destination = server,
          .protocol = protocol,
          .payload = question,
          .source_port = port,
          .destination_port = dns_port,
          .tcp_flags = syn};
}

PacketSpec reply_from(const IpAddress& server, std::uint16_t port = 4000, Protocol protocol = Protocol::udp) {
  PacketSpec spec = query_to(server, port, protocol);
  std::swap(spec.source, spec.destination);
  std::swap(spec.source_port, spec.destination_port);
  return spec;
}

/// The destination of a packet as it leaves, with its checksums verified.
IpAddress sent_to(Gateway& gateway, const PacketSpec& spec, Instant now = at(0)) {
  Bytes frame = frame_of(make_packet(spec));
  REQUIRE(gateway.outbound(frame, now) == Verdict::pass);
  CHECK(checksums_valid(packet_in(frame)));
  return destination_of(packet_in(frame));
}

/// The source of a packet as the namespace sees it.
IpAddress seen_from(Gateway& gateway, const PacketSpec& spec) {
  Bytes packet = make_packet(spec);
  gateway.inbound(packet);
  CHECK(checksums_valid(packet));
  return source_of(packet);
}

}  // namespace

TEST_CASE("queries to N+3 go to the server, and its replies come from N+3") {
  Gateway gateway(engine_gateway({first}));
  for (const Protocol protocol : {Protocol::udp, Protocol::tcp}) {
    CHECK(sent_to(gateway, query_to(virtual_server, 4000, protocol)) == first);
    CHECK(seen_from(gateway, reply_from(first, 4000, protocol)) == virtual_server);
  }
}

TEST_CASE("the same for IPv6 at fd00::3, each family with its own servers") {
  Gateway gateway(engine_gateway({first, ip("fd64::1")}));
  CHECK(sent_to(gateway, query_to(ip("fd00::3"))) == ip("fd64::1"));
  CHECK(seen_from(gateway, reply_from(ip("fd64::1"))) == ip("fd00::3"));
  CHECK(sent_to(gateway, query_to(virtual_server)) == first);
}

TEST_CASE("a query to the server's own address gets replies from that address") {
  Gateway gateway(engine_gateway({first}));
  CHECK(sent_to(gateway, query_to(first, 5000)) == first);
  CHECK(seen_from(gateway, reply_from(first, 5000)) == first);
  // Each new use of a port sets which address was queried.
  CHECK(sent_to(gateway, query_to(virtual_server, 5000)) == first);
  CHECK(seen_from(gateway, reply_from(first, 5000)) == virtual_server);
  CHECK(sent_to(gateway, query_to(first, 5000)) == first);
  CHECK(seen_from(gateway, reply_from(first, 5000)) == first);
}

TEST_CASE("other packets are not changed") {
  Gateway gateway(engine_gateway({first}));
  PacketSpec other = query_to(ip("10.64.0.77"));
  CHECK(sent_to(gateway, other) == ip("10.64.0.77"));
  PacketSpec web = reply_from(first);
  web.source_port = 80;
  CHECK(seen_from(gateway, web) == first);
}

TEST_CASE("a query from N+100 leaves from the tunnel's address, and its reply returns to N+100") {
  Gateway gateway(engine_gateway({first}));
  PacketSpec spec = query_to(virtual_server);
  spec.source = ip("10.0.2.100");
  Bytes frame = frame_of(make_packet(spec));
  REQUIRE(gateway.outbound(frame, at(0)) == Verdict::pass);
  CHECK(checksums_valid(packet_in(frame)));
  CHECK(source_of(packet_in(frame)) == own);
  Bytes reply = make_packet(reply_from(first));
  gateway.inbound(reply);
  CHECK(checksums_valid(reply));
  CHECK(source_of(reply) == virtual_server);
  CHECK(destination_of(reply) == ip("10.0.2.100"));
}

TEST_CASE("after a server that does not answer, the next one is used") {
  Gateway gateway(engine_gateway({first, second}));
  CHECK(sent_to(gateway, query_to(virtual_server), at(0)) == first);
  CHECK(sent_to(gateway, query_to(virtual_server), at(1)) == first);
  CHECK(sent_to(gateway, query_to(virtual_server), at(5)) == second);
  CHECK(seen_from(gateway, reply_from(second)) == virtual_server);
  CHECK(sent_to(gateway, query_to(virtual_server), at(100)) == second);  // it answers: no reason to change
  CHECK(sent_to(gateway, query_to(virtual_server), at(105)) == first);   // and now it did not
}

TEST_CASE("a TCP connection stays with its server") {
  Gateway gateway(engine_gateway({first, second}));
  CHECK(sent_to(gateway, query_to(virtual_server, 4000, Protocol::tcp), at(0)) == first);
  CHECK(sent_to(gateway, query_to(virtual_server, 4001), at(5)) == second);
  PacketSpec data = query_to(virtual_server, 4000, Protocol::tcp);
  data.tcp_flags = ack;
  CHECK(sent_to(gateway, data, at(6)) == first);
}

TEST_CASE("all fragments of a long reply come from N+3") {
  Gateway gateway(engine_gateway({first}));
  CHECK(sent_to(gateway, query_to(virtual_server)) == first);
  constexpr unsigned more_fragments = 0x2000;
  const auto piece = [](unsigned id, unsigned field) {
    PacketSpec spec = reply_from(first);
    spec.payload.resize(200);
    Bytes packet = make_packet(spec);
    store_be(packet.data() + 4, static_cast<std::uint16_t>(id));
    store_be(packet.data() + 6, static_cast<std::uint16_t>(field));
    return packet;
  };
  Bytes begin = piece(9, more_fragments), end = piece(9, 26), other = piece(8, 26);
  gateway.inbound(begin);
  gateway.inbound(end);
  gateway.inbound(other);
  CHECK(source_of(begin) == virtual_server);
  CHECK(source_of(end) == virtual_server);
  CHECK(source_of(other) == first);
}

TEST_CASE("a checksum that is left to finish is finished correctly") {
  Gateway gateway(engine_gateway({first}));
  const Bytes whole = make_packet(query_to(first));
  Bytes packet = make_packet(query_to(virtual_server));
  // The kernel's part of the checksum: the sum of the pseudo-header, not complemented.
  std::uint32_t sum = 17 + 8 + static_cast<std::uint32_t>(question.size());
  for (std::size_t i = 12; i < 20; i += 2) sum += load_be<std::uint16_t>(&packet[i]);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  store_be(&packet[26], static_cast<std::uint16_t>(sum));
  Bytes frame = frame_of(packet, {.flags = 1, .checksum_start = 20, .checksum_offset = 6});
  REQUIRE(gateway.outbound(frame, at(0)) == Verdict::pass);
  const Bytes out = packet_in(frame);
  std::uint32_t expected = 17 + 8 + static_cast<std::uint32_t>(question.size());
  for (std::size_t i = 12; i < 20; i += 2) expected += load_be<std::uint16_t>(&whole[i]);
  while (expected > 0xffff) expected = (expected & 0xffff) + (expected >> 16);
  CHECK(load_be<std::uint16_t>(&out[26]) == expected);
}

TEST_CASE("a UDP packet without a checksum stays without") {
  Gateway gateway(engine_gateway({first}));
  Bytes packet = make_packet(query_to(virtual_server));
  store_be<std::uint16_t>(&packet[26], 0);
  Bytes frame = frame_of(packet);
  REQUIRE(gateway.outbound(frame, at(0)) == Verdict::pass);
  CHECK(load_be<std::uint16_t>(&packet_in(frame)[26]) == 0);
}

TEST_CASE("without a server a query gets the response REFUSED") {
  Gateway gateway(engine_gateway({}));
  for (const IpAddress& asked : {virtual_server, ip("fd00::3")}) {
    Bytes frame = frame_of(make_packet(query_to(asked)));
    REQUIRE(gateway.outbound(frame, at(0)) == Verdict::answer);
    const ByteView answer = gateway.answer();
    CHECK(checksums_valid(answer));
    CHECK(source_of(answer) == asked);
    CHECK(destination_of(answer) == query_to(asked).source);
    const ByteView message = payload_of(answer);
    REQUIRE(message.size() == question.size());
    CHECK(load_be<std::uint16_t>(&message[0]) == 7);
    CHECK(load_be<std::uint16_t>(&message[2]) == 0x8105);  // response, recursion desired, REFUSED
    CHECK(std::ranges::equal(message.subspan(4), ByteView(question).subspan(4)));
  }
}

TEST_CASE("a query of two questions is refused without repeating them") {
  Gateway gateway(engine_gateway({}));
  PacketSpec spec = query_to(virtual_server);
  spec.payload[5] = 2;
  Bytes frame = frame_of(make_packet(spec));
  REQUIRE(gateway.outbound(frame, at(0)) == Verdict::answer);
  CHECK(payload_of(gateway.answer()).size() == 12);
}

TEST_CASE("without a server TCP is reset, and everything else at N+3 is unreachable") {
  for (const auto& servers : {std::vector<IpAddress>{}, std::vector<IpAddress>{first}}) {
    Gateway gateway(engine_gateway(servers));
    PacketSpec spec = query_to(virtual_server, 4000, Protocol::tcp);
    spec.destination_port = 80;
    Bytes frame = frame_of(make_packet(spec));
    REQUIRE(gateway.outbound(frame, at(0)) == Verdict::answer);
    CHECK(checksums_valid(gateway.answer()));
    CHECK(gateway.answer()[20 + 13] == (rst | ack));
    CHECK(load_be<std::uint32_t>(&gateway.answer()[20 + 8]) == question.size() + 1);

    spec = query_to(virtual_server);
    spec.destination_port = 80;
    frame = frame_of(make_packet(spec));
    REQUIRE(gateway.outbound(frame, at(0)) == Verdict::answer);
    CHECK(checksums_valid(gateway.answer()));
    CHECK(gateway.answer()[20] == 3);
    CHECK(gateway.answer()[21] == 3);

    spec = query_to(virtual_server);
    spec.protocol = Protocol::icmp;
    frame = frame_of(make_packet(spec));
    CHECK(gateway.outbound(frame, at(0)) == Verdict::drop);
  }
}

TEST_CASE("TCP in the middle of an unknown connection is reset with matching sequence numbers") {
  Gateway gateway(engine_gateway({first}));
  PacketSpec spec = query_to(virtual_server, 4000, Protocol::tcp);
  spec.tcp_flags = ack;
  Bytes packet = make_packet(spec);
  Bytes frame = frame_of(packet);
  REQUIRE(gateway.outbound(frame, at(0)) == Verdict::answer);
  CHECK(gateway.answer()[20 + 13] == rst);
  spec.tcp_flags = rst;
  frame = frame_of(make_packet(spec));
  CHECK(gateway.outbound(frame, at(0)) == Verdict::drop);
}
