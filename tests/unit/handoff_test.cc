#include "shared/handoff/handoff.h"
#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/link/link_plan.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/net/protocol.h"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace wg4::handoff {
namespace {

using Bytes = std::vector<std::uint8_t>;

LinkPlan small_plan() {
  LinkPlan plan;
  plan.mtu = 1420;
  plan.table = 51820;
  plan.addresses = {*Prefix::parse("10.0.0.2/24"), *Prefix::parse("fd00::2/64")};
  plan.routes = {*Prefix::parse("192.168.1.0/24"), *Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")};
  plan.route_sources = {*IpAddress::parse("10.0.0.2"), *IpAddress::parse("fd00::2")};
  plan.route_mtu = 1400;
  plan.gateways = {*IpAddress::parse("10.0.0.1"), *IpAddress::parse("fd00::1")};
  return plan;
}

/// `count` different /32 and /128 routes, in turn.
LinkPlan large_plan(std::uint32_t count) {
  LinkPlan plan = small_plan();
  for (std::uint32_t i = 0; i < count; ++i) {
    std::array<std::uint8_t, 16> bytes{0xfd};
    store_be(bytes.data() + 12, i);
    const IpAddress v4 = IpAddress::v4(std::span(bytes).last<4>());
    plan.routes.push_back(i % 2 == 0 ? Prefix{v4, 32} : Prefix{IpAddress::v6(bytes), 128});
  }
  return plan;
}

template <class T>
T round_trip(const T& message) {
  const auto decoded = decode(encode(message));
  REQUIRE(decoded.has_value());
  REQUIRE(std::holds_alternative<T>(*decoded));
  return std::get<T>(*decoded);
}

std::vector<Bytes> one_of_each() {
  return {encode(TunReady{"wg0", 0x5001, true}),
          encode(PlanPart{small_plan(), true}),
          encode(Done{{"no IPv6 here", ""}}),
          encode(Failure{{"open /dev/net/tun", 13, "chmod it"}}),
          encode(Dial{Protocol::udp, *IpAddress::parse("fd00::5"), 53}),
          encode(Dialed{111})};
}

TEST_CASE("every message comes back as it was sent") {
  const TunReady tun = round_trip(TunReady{"wg0", 0x5101, true});
  CHECK(tun.ifname == "wg0");
  CHECK(tun.tun_flags == 0x5101);
  CHECK(tun.existed);

  const PlanPart part = round_trip(PlanPart{small_plan(), true});
  CHECK(part.plan == small_plan());
  CHECK(part.last);

  const Done done = round_trip(Done{{"one", "two"}, {"MTU 1300"}});
  CHECK(done.warnings == std::vector<std::string>{"one", "two"});
  CHECK(done.changes == std::vector<std::string>{"MTU 1300"});

  const Error error = round_trip(Failure{{"open /dev/net/tun", 13, "chmod it"}}).error;
  CHECK(error.what == "open /dev/net/tun");
  CHECK(error.number == 13);
  CHECK(error.hint == "chmod it");

  for (const Protocol protocol : {Protocol::tcp, Protocol::udp}) {
    const Dial dial = round_trip(Dial{protocol, *IpAddress::parse("fd00::5"), 65535});
    CHECK(dial.protocol == protocol);
    CHECK(dial.address == *IpAddress::parse("fd00::5"));
    CHECK(dial.port == 65535);
  }
  CHECK(round_trip(Dialed{111}).error == 111);
}

TEST_CASE("the layout is fixed: both programs may be built apart") {
  CHECK(encode(TunReady{"wg0", 0x4101, false}) == Bytes{1, 1, 3, 0, 'w', 'g', '0', 0x01, 0x41, 0});
  CHECK(encode(Failure{{"no", 2, ""}}) == Bytes{1, 4, 2, 0, 'n', 'o', 2, 0, 0, 0});
  CHECK(encode(Dial{Protocol::tcp, *IpAddress::parse("10.0.2.100"), 0x1f90}) ==
        Bytes{1, 5, 0, 4, 10, 0, 2, 100, 0x90, 0x1f});
  CHECK(encode(Dialed{111}) == Bytes{1, 6, 111, 0});
  LinkPlan plan;
  plan.mtu = 0x0102;
  plan.routes = {*Prefix::parse("10.0.0.0/8")};
  CHECK(encode(PlanPart{plan, true}) ==
        Bytes{1, 2, 2, 1, 0, 0, 1, 0, 8, 4, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

TEST_CASE("a message cut short, or with a byte too many, is refused") {
  for (const Bytes& whole : one_of_each()) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      CHECK_FALSE(decode(ByteView(whole).first(size)).has_value());
    Bytes longer = whole;
    longer.push_back(0);
    CHECK_FALSE(decode(longer).has_value());
  }
}

TEST_CASE("what decodes after a bit was flipped encodes to the same bytes again") {
  for (const Bytes& whole : one_of_each()) {
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
      Bytes flipped = whole;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
      const auto decoded = decode(flipped);
      if (decoded) CHECK(encode(*decoded) == flipped);
    }
  }
}

TEST_CASE("values out of their range are refused") {
  CHECK_FALSE(decode(Bytes{}).has_value());
  CHECK_FALSE(decode(Bytes{2, 1, 3, 0, 'w', 'g', '0', 0, 0, 0}).has_value());  // another format version
  CHECK_FALSE(decode(Bytes{1, 7, 0, 0}).has_value());                          // unknown kind
  CHECK_FALSE(decode(Bytes{1, 6, 0x00, 0x10}).has_value());                    // errno 4096
  CHECK_FALSE(decode(Bytes{1, 5, 2, 4, 0, 0, 0, 0, 0, 0}).has_value());        // neither TCP nor UDP
  CHECK_FALSE(decode(Bytes{1, 0, 0, 0}).has_value());
  CHECK_FALSE(decode(Bytes{1, 1, 3, 0, 'w', 'g', '0', 0, 0, 2}).has_value());     // a bool of 2
  CHECK_FALSE(decode(Bytes{1, 1, 0, 0, 0, 0, 0}).has_value());                    // an interface without a name
  CHECK_FALSE(decode(Bytes{1, 1, 3, 0, 'w', '\x1b', '0', 0, 0, 0}).has_value());  // an escape character
  CHECK_FALSE(decode(Bytes{1, 4, 0, 0, 0x00, 0x10, 0, 0}).has_value());           // errno 4096
  CHECK(decode(Bytes{1, 4, 0, 0, 0xff, 0x0f, 0, 0}).has_value());                 // errno 4095

  LinkPlan one_address;
  one_address.addresses = {*Prefix::parse("10.0.0.0/8")};
  Bytes plan = encode(PlanPart{one_address, true});
  const std::size_t length = 6;  // after version, kind, MTU and the count of addresses
  REQUIRE(plan[length] == 8);
  plan[length] = 33;
  CHECK_FALSE(decode(plan).has_value());
  plan[length] = 32;
  CHECK(decode(plan).has_value());
  plan[length + 1] = 5;  // neither IPv4 nor IPv6
  CHECK_FALSE(decode(plan).has_value());
}

TEST_CASE("long names of interfaces are refused") {
  CHECK(decode(encode(TunReady{std::string(15, 'w'), 0, false})).has_value());
  CHECK_FALSE(decode(encode(TunReady{std::string(16, 'w'), 0, false})).has_value());
}

TEST_CASE("text is cut to its limit and cannot steer a terminal") {
  const Error error = round_trip(Failure{{std::string(5000, 'x'), 0, "a\x1b[2Jb\n"}}).error;
  CHECK(error.what == std::string(max_text_size, 'x'));
  CHECK(error.hint == "a?[2Jb?");
  const Done done = round_trip(Done{std::vector<std::string>(1000, std::string(5000, 'w'))});
  CHECK(done.warnings == std::vector<std::string>(max_warnings, std::string(max_text_size, 'w')));
}

TEST_CASE("a plan of any size comes back whole") {
  for (const std::uint32_t count : {0U, 1U, 3000U, 100'000U}) {
    CAPTURE(count);
    const LinkPlan plan = large_plan(count);
    LinkPlan received;
    bool ended = false;
    for (const PlanPart& part : split(plan)) {
      CHECK_FALSE(ended);
      const Bytes bytes = encode(part);
      CHECK(bytes.size() <= max_message_size);
      append(received, round_trip(part));
      ended = part.last;
    }
    CHECK(ended);
    CHECK(received == plan);
  }
}

TEST_CASE("an empty plan is one part") {
  const auto parts = split(LinkPlan{});
  REQUIRE(parts.size() == 1);
  CHECK(parts.front().last);
}

TEST_CASE("parts are filled: 100,000 routes take no more messages than they must") {
  std::size_t bytes = 0;
  const auto parts = split(large_plan(100'000));
  for (const PlanPart& part : parts) bytes += encode(part).size();
  CHECK(parts.size() == (bytes + max_message_size - 1) / max_message_size);
}

}  // namespace
}  // namespace wg4::handoff
