// Names and their addresses, with the test in the place of the resolver: that reads untrusted input, so all that it
// answers may be false.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netdb.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/log.h"
#include "shared/sys/sandbox_mode.h"
#include "shared/wire/message_socket.h"
#include "shared/wire/wire.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/time.h"
#include "wg4netns/daemon/endpoints.h"
#include "wg4netns/daemon/messages.h"
#include "wg4netns/daemon/resolver.h"

namespace wg4 {
namespace {

PublicKey key_of(std::uint8_t byte) {
  PublicKey key{};
  key.fill(byte);
  return key;
}

constexpr std::chrono::seconds patience{30};  // which only a hang reaches

/// Two names; no look-up has been requested.
struct Bench {
  explicit Bench(const NameRetries& retries = {})
      : endpoints(Endpoints::create({}, retries, SandboxMode::off).value()) {
    log::set_level(log::Level::silent);
    auto sockets = make_message_sockets().value();
    REQUIRE(fcntl(sockets.ours.get(), F_SETFL, O_NONBLOCK) == 0);
    resolver = std::move(sockets.theirs);
    endpoints.have(Resolver::at(std::move(sockets.ours)));
    REQUIRE(endpoints.follow(
        {{key_of(1), {.host = "one.example", .port = 51820}}, {key_of(2), {.host = "two.example", .port = 51821}}}));
  }
  /// "ID PORT HOST" of the next question.
  [[nodiscard]] std::string hear() const {
    const auto received = wire::receive<NameQuestion>(resolver.get()).value();
    const NameQuestion& question = received.value().message;
    return std::to_string(question.id) + " " + std::to_string(question.port) + " " + question.host;
  }
  void answer(std::uint32_t id, std::string_view address) const { send({id, 0, *Endpoint::parse(address)}); }
  void refuse(std::uint32_t id, int error) const { send({id, error, {}}); }
  void send(const NameAnswer& answer) const { REQUIRE(wire::send(resolver.get(), answer).has_value()); }
  /// What is no message.
  void say(std::string_view text) const {
    const ByteView bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    REQUIRE(send_message(resolver.get(), bytes).has_value());
  }

  UniqueFd resolver;
  Endpoints endpoints;
  Instant now{};
};

TEST_CASE("an answer gives the peer of its name the address, and the port of the configuration") {
  Bench bench;
  bench.endpoints.unanswered(key_of(2));
  CHECK(bench.hear() == "1 51821 two.example");
  bench.answer(1, "192.0.2.9:22");
  const DeviceChange change = bench.endpoints.answered(bench.now);
  REQUIRE(change.peers.size() == 1);
  CHECK(change.peers[0].public_key == key_of(2));
  CHECK(change.peers[0].update_only);
  CHECK(change.peers[0].endpoint == Endpoint::parse("192.0.2.9:51821"));
}

TEST_CASE("an answer that nobody asked for changes nothing, whatever it is about") {
  Bench bench;
  bench.endpoints.unanswered(key_of(1));
  for (const std::uint32_t id : {1U, 2U, 4294967295U}) {
    bench.answer(id, "192.0.2.9:1");
    for (const int error : {EAI_NONAME, EAI_AGAIN, NameAnswer::min_error}) bench.refuse(id, error);
    CHECK(bench.endpoints.answered(bench.now).peers.empty());
  }
  bench.answer(0, "192.0.2.9:1");
  bench.answer(0, "192.0.2.10:1");  // once more than it was asked
  const DeviceChange change = bench.endpoints.answered(bench.now);
  REQUIRE(change.peers.size() == 1);
  CHECK(change.peers[0].endpoint == Endpoint::parse("192.0.2.9:51820"));
  CHECK_FALSE(bench.endpoints.resolver_ended());
}

TEST_CASE("a flood of answers is handled in pieces, one per turn") {
  Bench bench;
  REQUIRE(fcntl(bench.resolver.get(), F_SETFL, O_NONBLOCK) == 0);
  std::size_t said = 0;
  const NameAnswer unasked{.id = 9, .error = 0, .endpoint = *Endpoint::parse("192.0.2.9:1")};
  while (wire::send(bench.resolver.get(), unasked)) ++said;
  REQUIRE(said > 100);
  static_cast<void>(bench.endpoints.answered(bench.now));
  std::size_t room = 0;
  while (wire::send(bench.resolver.get(), unasked)) ++room;
  CHECK(room < said);
}

TEST_CASE("a resolver that has gone, or talks nonsense, is not listened to any more") {
  const std::vector<std::uint8_t> whole = wire::encode(NameAnswer{.id = 0, .error = 0, .endpoint = {}}).value();
  const std::string cut(whole.begin(), whole.end() - 1);
  for (const std::string& text : {std::string(), std::string(5000, 'x'), std::string("0 0 192.0.2.9:1"), cut}) {
    CAPTURE(text);
    Bench bench;
    bench.endpoints.unanswered(key_of(1));
    CHECK_FALSE(bench.endpoints.resolver_ended());
    if (text.empty())
      bench.resolver.reset();
    else
      bench.say(text);
    CHECK(bench.endpoints.answered(bench.now).peers.empty());
    CHECK(bench.endpoints.resolver_ended());
    bench.endpoints.unanswered(key_of(2));  // leads to nothing, and harms nothing
    CHECK_FALSE(bench.endpoints.next_deadline().has_value());
  }
}

// ---------------------------------------------------------------- the start

TEST_CASE("a name that does not exist ends the start at once, with the next step") {
  Bench bench;
  bench.refuse(0, EAI_NONAME);
  const auto resolved = bench.endpoints.resolve_first(patience);
  REQUIRE_FALSE(resolved.has_value());
  const std::string message = resolved.error().message();
  CHECK(message.starts_with("endpoint one.example:51820: "));
  CHECK(message.ends_with(". Check the name, and that this host's DNS works"));
}

TEST_CASE("where there may be no network yet, a name that does not exist is asked for again, for ever") {
  Bench bench({.most = std::nullopt, .also_unknown = true});
  bench.refuse(0, EAI_NONAME);
  bench.refuse(1, EAI_FAIL);
  CHECK(bench.endpoints.resolve_first(patience).has_value());
  CHECK(bench.endpoints.resolved().empty());
  CHECK(bench.hear() == "0 51820 one.example");
  CHECK(bench.hear() == "1 51821 two.example");
  for (unsigned i = 0; i < 3 * usual_name_retries; ++i) {
    const auto next = bench.endpoints.next_deadline();
    REQUIRE(next.has_value());
    bench.endpoints.expire(*next);
    CHECK(bench.hear().ends_with(".example"));
    bench.refuse(0, EAI_NONAME);
    bench.refuse(1, EAI_NONAME);
    CHECK(bench.endpoints.answered(*next).peers.empty());
  }
}

TEST_CASE("the start goes on without an address that only takes longer, which is asked for again") {
  Bench bench;
  bench.refuse(0, EAI_AGAIN);
  bench.answer(1, "192.0.2.9:22");
  CHECK(bench.endpoints.resolve_first(patience).has_value());
  CHECK(bench.endpoints.resolved() == std::vector{*Endpoint::parse("192.0.2.9:51821")});
  CHECK(bench.hear() == "0 51820 one.example");
  CHECK(bench.hear() == "1 51821 two.example");

  const auto next = bench.endpoints.next_deadline();
  REQUIRE(next.has_value());
  bench.endpoints.expire(*next);
  CHECK(bench.hear() == "0 51820 one.example");
  CHECK_FALSE(bench.endpoints.next_deadline().has_value());
}

TEST_CASE("a start without an answer takes no longer than its patience") {
  Bench bench;
  CHECK(bench.endpoints.resolve_first(std::chrono::milliseconds(1)).has_value());
  CHECK(bench.endpoints.resolved().empty());
}

TEST_CASE("a start whose resolver has ended fails") {
  Bench bench;
  bench.resolver.reset();
  CHECK(bench.endpoints.resolve_first(patience).error().message() == "the resolver process ended");
}

TEST_CASE("addresses that the start has found are put into the device's first configuration, for their peers alone") {
  Bench bench;
  bench.answer(0, "192.0.2.1:1");
  bench.refuse(1, EAI_AGAIN);
  REQUIRE(bench.endpoints.resolve_first(patience).has_value());
  DeviceChange change;
  for (const std::uint8_t peer : std::array<std::uint8_t, 3>{3, 2, 1})
    change.peers.emplace_back().public_key = key_of(peer);
  bench.endpoints.fill_in(change);
  CHECK_FALSE(change.peers[0].endpoint.has_value());
  CHECK_FALSE(change.peers[1].endpoint.has_value());
  CHECK(change.peers[2].endpoint == Endpoint::parse("192.0.2.1:51820"));
}

TEST_CASE("the number of retries is wg's, by its variable") {
  CHECK(Endpoints::parse_retries(nullptr).value() == 15U);
  CHECK(Endpoints::parse_retries("").value() == 15U);
  CHECK(Endpoints::parse_retries(nullptr, std::nullopt).value() == std::nullopt);
  CHECK(Endpoints::parse_retries("3", std::nullopt).value() == 3U);
  CHECK(Endpoints::parse_retries("3").value() == 3U);
  CHECK(Endpoints::parse_retries("infinity").value() == std::nullopt);
  for (const char* text : {"-1", "3 ", "many", "99999999999"}) {
    const auto refused = Endpoints::parse_retries(text);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message() ==
          std::string("WG_ENDPOINT_RESOLUTION_RETRIES is '") + text + "'. It takes a number or the word infinity");
  }
}

}  // namespace
}  // namespace wg4
