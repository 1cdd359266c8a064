#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/net/protocol.h"
#include "wg4netns/natpmp/gateway.h"
#include "wg4netns/natpmp/lease.h"
#include "wg4netns/natpmp/messages.h"

namespace wg4::natpmp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Bytes = std::vector<std::uint8_t>;

/// As a gateway sends it (RFC 6886, 3.5).
Bytes answer(Protocol protocol, std::uint16_t external, std::uint32_t lifetime = 60, std::uint16_t result = 0) {
  Bytes bytes(16);
  bytes[1] = protocol == Protocol::udp ? 129 : 130;
  store_be(&bytes[2], result);
  store_be(&bytes[10], external);
  store_be(&bytes[12], lifetime);
  return bytes;
}

/// Takes what is due at `now`, and answers it.
void grant(Lease& lease, Lease::Time now, std::uint16_t port, std::uint32_t lifetime = 60) {
  for (const Protocol protocol : {Protocol::udp, Protocol::tcp}) {
    const auto request = lease.advance(now);
    REQUIRE(request.has_value());
    CHECK(request->protocol == protocol);
    lease.receive(answer(protocol, port, lifetime), now);
  }
  CHECK(lease.port() == port);
  CHECK(lease.fault() == Fault::none);
}

TEST_CASE("a request is what RFC 6886 says") {
  const auto bytes = encode({.protocol = Protocol::tcp, .internal = 0x0102, .external = 0x0304, .lifetime = 60});
  CHECK(Bytes(bytes.begin(), bytes.end()) == Bytes{0, 2, 0, 0, 1, 2, 3, 4, 0, 0, 0, 60});
  CHECK(encode(Request{})[1] == 1);
}

TEST_CASE("answers, and what is none") {
  CHECK(decode(answer(Protocol::udp, 50'000)) ==
        Response{.protocol = Protocol::udp, .outcome = Outcome::success, .external = 50'000, .lifetime = 60});
  CHECK(decode(answer(Protocol::tcp, 1, 2, 3))->outcome == Outcome::network_failure);
  CHECK(decode(answer(Protocol::tcp, 1, 2, 77))->outcome == Outcome::unsupported_request);
  const Bytes short_error{0, 129, 0, 2, 0, 0, 0, 9};
  CHECK(decode(short_error)->outcome == Outcome::not_authorized);
  const Bytes pcp{2, 129, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  CHECK(decode(pcp)->outcome == Outcome::unsupported_version);

  Bytes bytes = answer(Protocol::udp, 50'000);
  bytes.pop_back();
  CHECK_FALSE(decode(bytes).has_value());
  CHECK_FALSE(decode({}).has_value());
  const auto request = encode({});
  CHECK_FALSE(decode(request).has_value());
  const Bytes address{0, 128, 0, 0, 0, 0, 0, 9, 192, 0, 2, 1};
  CHECK_FALSE(decode(address).has_value());
}

TEST_CASE("the same port for both protocols, renewed in time") {
  Lease lease;
  grant(lease, seconds(1), 50'000);
  CHECK(lease.deadline() == seconds(46));
  CHECK_FALSE(lease.advance(seconds(45)).has_value());
  const auto request = lease.advance(seconds(46));
  REQUIRE(request.has_value());
  CHECK(*request == Request{.protocol = Protocol::udp, .internal = 0, .external = 50'000, .lifetime = 60});

  Lease brief;
  grant(brief, seconds(1), 7, 20);
  CHECK(brief.deadline() == seconds(16));
}

TEST_CASE("a gateway that does not answer is asked nine times in 128 seconds") {
  Lease lease;
  Lease::Time now = seconds(100);
  std::vector<Lease::Time> sent;
  while (lease.fault() == Fault::none) {
    if (lease.advance(now) && lease.fault() == Fault::none) sent.push_back(now - seconds(100));
    now = lease.deadline();
  }
  CHECK(lease.fault() == Fault::silence);
  std::vector<Lease::Time> wanted;
  for (int i = 0; i < 9; ++i) wanted.push_back(milliseconds(250) * ((1 << i) - 1));
  CHECK(sent == wanted);
}

TEST_CASE("a refusal says which kind it is") {
  const auto fault_after = [](const Bytes& bytes) {
    Lease lease;
    REQUIRE(lease.advance(seconds(1)).has_value());
    lease.receive(bytes, seconds(1));
    CHECK(lease.port() == 0);
    return lease.fault();
  };
  CHECK(fault_after(answer(Protocol::udp, 0, 0, 2)) == Fault::refused);
  CHECK(fault_after(answer(Protocol::udp, 0, 0, 1)) == Fault::wrong_version);
  CHECK(fault_after(answer(Protocol::udp, 0, 0, 4)) == Fault::failed);
  CHECK(fault_after(answer(Protocol::udp, 0)) == Fault::refused);
  CHECK(fault_after(answer(Protocol::udp, 9, 0)) == Fault::refused);
  CHECK(fault_after(answer(Protocol::tcp, 9)) == Fault::none);  // nobody asked for that
  Lease lease;
  REQUIRE(lease.advance(seconds(1)).has_value());
  lease.closed(seconds(1));
  CHECK(lease.fault() == Fault::closed);
}

TEST_CASE("two ports are none") {
  Lease lease;
  REQUIRE(lease.advance(seconds(1)).has_value());
  lease.receive(answer(Protocol::udp, 5), seconds(1));
  CHECK(lease.advance(seconds(1)) == Request{.protocol = Protocol::tcp, .internal = 0, .external = 5, .lifetime = 60});
  lease.receive(answer(Protocol::tcp, 6), seconds(1));
  CHECK(lease.port() == 0);
  CHECK(lease.fault() == Fault::different_ports);
}

TEST_CASE("a port changes, is lost, and comes back") {
  Lease lease;
  grant(lease, seconds(1), 5);
  grant(lease, seconds(46), 6);

  Lease::Time now = seconds(91);
  for (; now < seconds(106); now = lease.deadline()) {
    static_cast<void>(lease.advance(now));
    CHECK(lease.port() == 6);
  }
  static_cast<void>(lease.advance(seconds(106)));
  CHECK(lease.port() == 0);
  CHECK(lease.fault() == Fault::silence);

  lease.receive(answer(Protocol::udp, 8), seconds(107));
  REQUIRE(lease.advance(seconds(107)).has_value());
  lease.receive(answer(Protocol::tcp, 8), seconds(107));
  CHECK(lease.port() == 8);
  CHECK(lease.fault() == Fault::none);
}

TEST_CASE("a restarted gateway is asked again before the port is lost") {
  Lease lease;
  grant(lease, seconds(1), 5);
  REQUIRE(lease.advance(seconds(46)).has_value());
  lease.closed(seconds(46));
  CHECK(lease.port() == 5);
  CHECK(lease.deadline() == seconds(47));
  grant(lease, seconds(47), 5);
}

TEST_CASE("where the gateway is") {
  const auto addresses = [](const char* text) { return std::array{*Prefix::parse(text)}; };
  const auto servers = [](const char* text) { return std::array{*IpAddress::parse(text)}; };
  CHECK(guess_gateway(servers("10.2.0.1"), addresses("10.2.0.2/32")) == IpAddress::parse("10.2.0.1"));
  CHECK(guess_gateway(servers("9.9.9.9"), addresses("10.2.0.2/24")) == IpAddress::parse("10.2.0.1"));
  CHECK(guess_gateway({}, addresses("172.20.9.9/16")) == IpAddress::parse("172.20.0.1"));
  CHECK_FALSE(guess_gateway(servers("9.9.9.9"), addresses("10.2.0.2/32")).has_value());
  CHECK_FALSE(guess_gateway({}, addresses("fd00::2/64")).has_value());
}

}  // namespace
}  // namespace wg4::natpmp
