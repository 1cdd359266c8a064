// What all messages of our processes have in common: tests/support/wire_messages.h has one of each.

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/handoff/handoff.h"
#include "shared/link/link_plan.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/net/protocol.h"
#include "shared/wire/kind.h"
#include "shared/wire/wire.h"
#include "tests/support/wire_messages.h"
#include "wg4netns/daemon/messages.h"
#include "wg4netns/supervise/broker_message.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

namespace wg4::wire {
namespace {

using Bytes = std::vector<std::uint8_t>;
using test::for_each_message;

template <class M>
Bytes bytes_of(const M& message) {
  auto bytes = encode(message);
  REQUIRE(bytes.has_value());
  return *std::move(bytes);
}

/// Read as M; what was taken is written again in the same way, the only one that there is.
template <class M>
bool is_taken(ByteView bytes) {
  const auto message = decode<M>(bytes);
  if (!message) return false;
  CHECK(std::ranges::equal(bytes_of(*message), bytes));
  return true;
}

template <class... M>
void read_as_each(ByteView bytes, std::type_identity<std::tuple<M...>> /*all*/) {
  (is_taken<M>(bytes), ...);
}

/// The compiler asks for a new one here.
bool is_kind(Kind kind) {
  switch (kind) {
    case Kind::begin:
    case Kind::tun_ready:
    case Kind::plan_part:
    case Kind::plan:
    case Kind::done:
    case Kind::failure:
    case Kind::dial:
    case Kind::dialed:
    case Kind::name_question:
    case Kind::name_answer:
    case Kind::tunnel_to_reload:
    case Kind::reload_order:
    case Kind::reload_ended:
    case Kind::files_to_remove:
    case Kind::publish_ports:
    case Kind::tunnel_request:
    case Kind::tunnel_reply:
    case Kind::namespace_facts:
    case Kind::keeper_user_namespace:
    case Kind::keeper_ids:
    case Kind::keeper_namespaces:
    case Kind::keeper_view:
    case Kind::keeper_view_made:
    case Kind::keeper_serve:
    case Kind::keeper_failure:
    case Kind::keeper_join:
    case Kind::keeper_joined:
    case Kind::keeper_process_inside:
    case Kind::keeper_done:
    case Kind::keeper_order:
    case Kind::keeper_settled:
    case Kind::keeper_state:
    case Kind::tunnel_names:
    case Kind::listening:
    case Kind::view_facts:
    case Kind::keeper_names:
    case Kind::keeper_forwarded_port:
    case Kind::verify_interface:
    case Kind::verify_route:
    case Kind::verify_name_file:
    case Kind::verify_attempt:
    case Kind::verify_server:
    case Kind::verify_unseen:
    case Kind::verify_rights:
    case Kind::container_set_up:
    case Kind::container_failure:
    case Kind::container_started:
    case Kind::container_ended:
    case Kind::container_rules:
      return true;
  }
  return false;
}

TEST_CASE("strings have a limit together, and no NUL") {
  constexpr std::size_t max = 8;
  const auto written = [](const std::vector<std::string>& values) {
    Writer writer(Kind::done);
    writer.strings(values, max);
    return writer.take(max_message_size);
  };
  CHECK(written({"abc", "", "ab"}).has_value());
  CHECK(written({"abc", "", "abc"}).error().number == EMSGSIZE);
  CHECK(written({std::string("a\0b", 3)}).error().number == EINVAL);
  const Bytes long_one{2, 0, 0, 0, 3, 0, 0, 0, 'a', 'b', 'c', 4, 0, 0, 0, 'a', 'b', 'c', 'd'};
  Reader reader(long_one);
  std::vector<std::string> values;
  reader.strings(values, max);
  CHECK_FALSE(reader.is_done());
}

TEST_CASE("every message comes back as it was sent; each number has one message, and one of it is here") {
  std::set<Kind> kinds;
  for_each_message([&]<class M>(const M& message) {
    CAPTURE(static_cast<int>(M::message_kind));
    CHECK(kinds.insert(M::message_kind).second);
    CHECK(is_taken<M>(bytes_of(message)));
  });
  for (unsigned kind = 0; kind < 256; ++kind) {
    CAPTURE(kind);
    CHECK(is_kind(static_cast<Kind>(kind)) == kinds.contains(static_cast<Kind>(kind)));
  }
  const auto begin = decode<handoff::Begin>(bytes_of(std::get<handoff::Begin>(test::one_of_each_message())));
  REQUIRE(begin.has_value());
  CHECK(begin->target == "process 7");
  CHECK(begin->queues == 16);
  CHECK(begin->configure == handoff::Configure::mtu);
  CHECK(begin->port_tables);
  const auto plan = decode<handoff::Plan>(bytes_of(handoff::Plan{test::link_plan()}));
  REQUIRE(plan.has_value());
  CHECK(plan->plan == test::link_plan());
  const auto answer = decode<NameAnswer>(bytes_of(std::get<NameAnswer>(test::one_of_each_message())));
  REQUIRE(answer.has_value());
  CHECK(answer->error == -2);
  CHECK(answer->endpoint.to_string() == "[fe80::1%3]:51820");
}

TEST_CASE("the layout is fixed: both programs may be built apart") {
  CHECK(bytes_of(handoff::TunReady{"wg0", 0x4101, false}) == Bytes{3, 2, 3, 0, 'w', 'g', '0', 0x01, 0x41, 0});
  CHECK(bytes_of(handoff::Failure{{"no", 2, ""}}) == Bytes{3, 6, 2, 0, 'n', 'o', 2, 0, 0, 0, 0, 0});
  CHECK(bytes_of(handoff::Dial{Protocol::tcp, *IpAddress::parse("10.0.2.100"), 0x1f90}) ==
        Bytes{3, 7, 0, 4, 10, 0, 2, 100, 0x90, 0x1f});
  CHECK(bytes_of(handoff::PlanPart{{7, 8}, true}) == Bytes{3, 3, 2, 0, 0, 0, 7, 8, 1});
  LinkPlan plan;
  plan.mtu = 0x0102;
  plan.routes = {*Prefix::parse("10.0.0.0/8")};
  Bytes expected{3, 4, 2, 1, 0, 0, 0, 0, 1, 0, 0, 0, 8, 4, 10, 0, 0, 0};
  expected.resize(expected.size() +
                  22);  // no table, sources, MTU of routes, gateways, retired addresses, local networks
  CHECK(bytes_of(handoff::Plan{plan}) == expected);
}

TEST_CASE("a message cut short, or with a byte too many, is refused") {
  for_each_message([]<class M>(const M& message) {
    const Bytes whole = bytes_of(message);
    for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(decode<M>(ByteView(whole).first(size)));
    Bytes longer = whole;
    longer.push_back(0);
    CHECK_FALSE(decode<M>(longer));
  });
}

TEST_CASE("another version says so; another kind is refused") {
  for_each_message([]<class M>(const M& message) {
    Bytes bytes = bytes_of(message);
    ++bytes[0];
    const auto other = decode<M>(bytes);
    REQUIRE_FALSE(other.has_value());
    CHECK(other.error().message() ==
          "the other process speaks version 4 of our messages, this one version 3. Install both programs from the same "
          "version");
    --bytes[0];
    for (unsigned kind = 0; kind < 256; ++kind) {
      bytes[1] = static_cast<std::uint8_t>(kind);
      CHECK(decode<M>(bytes).has_value() == (bytes[1] == static_cast<std::uint8_t>(M::message_kind)));
    }
  });
}

TEST_CASE("where one of several may come, it is the one that came") {
  using Answer = std::variant<handoff::Done, handoff::Failure>;
  const auto done = decode<Answer>(bytes_of(handoff::Done{}));
  REQUIRE(done.has_value());
  CHECK(std::holds_alternative<handoff::Done>(*done));
  const auto failure = decode<Answer>(bytes_of(handoff::Failure{{"why", 2, ""}}));
  REQUIRE(failure.has_value());
  CHECK(std::get<handoff::Failure>(*failure).error.number == 2);
  CHECK_FALSE(decode<Answer>(bytes_of(handoff::Dialed{})));
}

TEST_CASE("a bit that is another makes another message, or none") {
  for_each_message([]<class M>(const M& message) {
    const Bytes whole = bytes_of(message);
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
      Bytes flipped = whole;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
      is_taken<M>(flipped);
    }
  });
}

TEST_CASE("any bytes can be read as any message") {
  std::minstd_rand chance(1);
  std::uniform_int_distribution<unsigned> byte(0, 255);
  std::uniform_int_distribution<std::size_t> length(0, 64);
  for (int round = 0; round < 2000; ++round) {
    Bytes bytes(length(chance));
    for (std::uint8_t& each : bytes) each = static_cast<std::uint8_t>(round % 2 == 0 ? byte(chance) : byte(chance) % 3);
    read_as_each(bytes, std::type_identity<test::Messages>{});
    if (bytes.size() < 2) continue;
    for_each_message([&]<class M>(const M& /*message*/) {
      bytes[0] = format_version;
      bytes[1] = static_cast<std::uint8_t>(M::message_kind);
      is_taken<M>(bytes);
    });
  }
}

TEST_CASE("what a field cannot be is refused") {
  Bytes dial = bytes_of(handoff::Dial{Protocol::udp, *IpAddress::parse("10.0.0.1"), 1});
  dial[2] = 2;  // neither TCP nor UDP
  CHECK_FALSE(decode<handoff::Dial>(dial));
  dial[2] = 1;
  dial[3] = 5;  // neither IPv4 nor IPv6
  CHECK_FALSE(decode<handoff::Dial>(dial));
  CHECK(decode<handoff::Dialed>(Bytes{format_version, 8, 0xff, 0x0f, 0, 0}).has_value());             // errno 4095
  CHECK_FALSE(decode<handoff::Dialed>(Bytes{format_version, 8, 0x00, 0x10, 0, 0}));                   // 4096
  CHECK_FALSE(decode<handoff::Dialed>(Bytes{format_version, 8, 0xff, 0xff, 0xff, 0xff}));             // -1
  CHECK_FALSE(decode<handoff::TunReady>(Bytes{format_version, 2, 3, 0, 'w', 'g', '0', 0, 0, 2}));     // a bool of 2
  CHECK_FALSE(decode<handoff::TunReady>(Bytes{format_version, 2, 0, 0, 0, 0, 0}));                    // no name
  CHECK_FALSE(decode<handoff::TunReady>(Bytes{format_version, 2, 3, 0, 'w', '\x1b', '0', 0, 0, 0}));  // an escape
  CHECK_FALSE(decode<TunnelToReload>(Bytes{format_version, 18, 3, 0, 'w', 0, '0'}));                  // a NUL
  CHECK_FALSE(decode<handoff::Failure>(Bytes{format_version, 6, 1, 0, '\n', 0, 0, 0, 0, 0, 0}));      // a newline
  CHECK_FALSE(decode<handoff::PlanPart>(Bytes{format_version, 3, 0xff, 0xff, 0xff, 0xff, 7, 8, 1}));  // lies
  CHECK_FALSE(decode<FilesToRemove>(Bytes{format_version,
                                          21,
                                          9,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,
                                          0,  // nine
                                          0,
                                          0,
                                          0}));
  LinkPlan plan;
  plan.addresses = {*Prefix::parse("10.0.0.0/8")};
  Bytes bytes = bytes_of(handoff::Plan{plan});
  const std::size_t length = 8;  // after version, kind, MTU and the count of addresses
  REQUIRE(bytes[length] == 8);
  bytes[length] = 33;
  CHECK_FALSE(decode<handoff::Plan>(bytes));
  bytes[length] = 32;
  CHECK(decode<handoff::Plan>(bytes).has_value());
}

TEST_CASE("what is beyond a limit does not leave either, with the reason") {
  const auto fault = [](const auto& message) {
    const auto bytes = encode(message);
    return bytes ? 0 : bytes.error().number;
  };
  CHECK(fault(handoff::TunReady{std::string(15, 'w'), 0, false}) == 0);
  CHECK(fault(handoff::TunReady{std::string(16, 'w'), 0, false}) == EMSGSIZE);
  CHECK(fault(handoff::TunReady{}) == EINVAL);
  CHECK(fault(handoff::Begin{.target = std::string(4097, 'x')}) == EMSGSIZE);
  CHECK(fault(handoff::Begin{.queues = 0}) == EINVAL);
  CHECK(fault(handoff::Begin{.queues = 65}) == EINVAL);
  CHECK(fault(handoff::PlanPart{Bytes(max_message_size), true}) == EMSGSIZE);
  CHECK(fault(NameQuestion{.id = 1, .host = std::string(1020, 'x'), .port = 1}) == EMSGSIZE);  // more than 1024 in all
  CHECK(fault(FilesToRemove{std::vector<std::string>(9, "x")}) == EMSGSIZE);
  CHECK(fault(FilesToRemove{{std::string(256, 'x')}}) == EMSGSIZE);
  CHECK(fault(TunnelToReload{std::string("a\0b", 3)}) == EINVAL);
  CHECK(fault(broker::Request{.ports = std::vector<std::string>(4000, "12345:12345")}) == EMSGSIZE);
}

TEST_CASE("a sentence is cut to its limit and cannot steer a terminal") {
  const auto failure =
      decode<handoff::Failure>(bytes_of(handoff::Failure{{std::string(5000, 'x'), 5000, "a\x1b[2J\n"}}));
  REQUIRE(failure.has_value());
  CHECK(failure->error.what == std::string(max_sentence_size, 'x'));
  CHECK(failure->error.number == max_errno);
  CHECK(failure->error.hint == "a?[2J?");
  const auto done =
      decode<handoff::Done>(bytes_of(handoff::Done{std::vector<std::string>(99, std::string(5000, 'w'))}));
  REQUIRE(done.has_value());
  CHECK(done->warnings == std::vector<std::string>(handoff::max_warnings, std::string(max_sentence_size, 'w')));
}

}  // namespace
}  // namespace wg4::wire
