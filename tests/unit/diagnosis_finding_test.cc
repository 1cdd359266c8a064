// Which evidence leads to which finding, and above all, which does not. tests/sim/diagnosis_test.cc shows that devices
// collect the evidence, and tests/netns/test_diagnosis.py that real tunnels do.

#include "shared/base/keys.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "wg4netns/core/evidence.h"
#include "wg4netns/core/time.h"
#include "wg4netns/diagnosis/finding.h"
#include "wg4netns/io/send_failure.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace wg4;
using namespace std::chrono_literals;

namespace {

constexpr WallTime today = std::chrono::sys_days{std::chrono::year{2026} / 6 / 1};
constexpr Instant now{100000s};

/// A peer that did not answer three times.
Evidence unanswered() {
  Evidence evidence{.now = now, .wall = today, .configured = today - 24h};
  evidence.peer.initiations = telling_initiations;
  return evidence;
}

Evidence quiet() {
  Evidence evidence = unanswered();
  evidence.peer.initiations = 0;
  return evidence;
}

SendFailure failure(int error, const char* reported_by = "") {
  return {.to = *Endpoint::parse("192.0.2.1:1"),
          .error = error,
          .reported_by = IpAddress::parse(reported_by).value_or(IpAddress())};
}

bool says(const Evidence& evidence, std::string_view part) {
  return diagnosis(evidence).find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("no finding without evidence, or after only two attempts") {
  CHECK_EQ(find(quiet()), Finding::none);
  CHECK(diagnosis(quiet()).empty());
  Evidence evidence = unanswered();
  --evidence.peer.initiations;
  evidence.failure = failure(ECONNREFUSED, "192.0.2.1");
  evidence.other_recipient = true;
  evidence.wall = WallTime{};
  CHECK_EQ(find(evidence), Finding::none);
}

TEST_CASE("silence names our public key, and no cause") {
  const Evidence evidence = unanswered();
  CHECK_EQ(find(evidence), Finding::no_answer);
  CHECK(says(evidence, "no answer to 3 handshake initiations, and no error either"));
  CHECK(says(evidence, "AAAAAAAA"));
}

TEST_CASE("answers count if there are two, and only for the last attempts") {
  const auto with = [](Occurrences PeerEvidence::* kind, std::uint32_t count, Duration ago) {
    Evidence evidence = unanswered();
    evidence.peer.*kind = {count, now - ago};
    return find(evidence);
  };
  CHECK_EQ(with(&PeerEvidence::bad_responses, 2, 1s), Finding::wrong_preshared_key);
  CHECK_EQ(with(&PeerEvidence::bad_responses, 1, 1s), Finding::no_answer);
  CHECK_EQ(with(&PeerEvidence::bad_responses, 9, answer_memory), Finding::no_answer);
  CHECK_EQ(with(&PeerEvidence::cookie_replies, 2, 1s), Finding::under_load);
  CHECK_EQ(with(&PeerEvidence::cookie_replies, 9, answer_memory), Finding::no_answer);
}

TEST_CASE("an error of the network is reported with its text and its sender") {
  const auto told = [](SendFailure what) {
    Evidence evidence = unanswered();
    evidence.failure = what;
    CHECK_EQ(find(evidence), Finding::unreachable);
    return diagnosis(evidence);
  };
  CHECK(told(failure(ECONNREFUSED, "192.0.2.1")).starts_with("nothing listens on that UDP port, 192.0.2.1 says. "));
  CHECK(told(failure(EHOSTUNREACH, "192.0.2.9")).starts_with("the host cannot be reached, 192.0.2.9 says. "));
  CHECK(told(failure(EHOSTUNREACH)).starts_with("the host cannot be reached, this host says. "));
  CHECK(told(failure(ENETUNREACH)).starts_with("this host has no route to the endpoint. "));
  CHECK(
      told(failure(ENETUNREACH, "192.0.2.9")).starts_with("the network of the endpoint cannot be reached, 192.0.2.9"));
  CHECK(told(failure(EPERM)).starts_with("a firewall or a route of this host forbids it. "));
  CHECK(told(failure(EACCES, "192.0.2.9")).starts_with("a firewall forbids it, 192.0.2.9 says. "));
  CHECK(told(failure(ENOPROTOOPT, "192.0.2.9")).find("192.0.2.9 says. Check the Endpoint") != std::string::npos);
}

TEST_CASE("an answer takes precedence over an ICMP error, that over a rejected datagram, and that over a clock") {
  Evidence evidence = unanswered();
  std::vector<Finding> found;
  const auto note = [&] { found.push_back(find(evidence)); };
  note();
  evidence.wall = WallTime{};
  note();
  evidence.other_recipient = true;
  note();
  evidence.unknown_key = PublicKey{};
  note();
  evidence.failure = failure(ECONNREFUSED);
  note();
  evidence.peer.cookie_replies = {2, now};
  note();
  evidence.peer.bad_responses = {2, now};
  note();
  CHECK(found == std::vector{Finding::no_answer, Finding::clock_behind, Finding::wrong_own_key, Finding::wrong_peer_key,
                             Finding::unreachable, Finding::under_load, Finding::wrong_preshared_key});
}

TEST_CASE("a clock is behind only of what is certain") {
  Evidence evidence = unanswered();
  evidence.configured = today + 9min;
  evidence.peer.clock_ahead = 9min;
  evidence.peer.initiation_answered = today;
  CHECK_EQ(find(evidence), Finding::no_answer);
  evidence.peer.initiation_answered = today + 1s;
  CHECK(says(evidence, "a time before the last handshake that the peer answered"));
  evidence.peer.initiation_answered.reset();
  evidence.configured = today + 11min;
  CHECK(says(evidence, "a time before the configuration was written"));
  evidence.configured.reset();
  evidence.peer.clock_ahead = 11min;
  CHECK(says(evidence, "a time before what the peer's own handshake says"));
  evidence.peer.clock_ahead = -24h;  // the peer's clock is behind
  CHECK_EQ(find(evidence), Finding::no_answer);
  evidence.wall = std::chrono::sys_days{std::chrono::year{1970} / 1 / 1};
  CHECK(says(evidence, "a time before this program was made"));
}

TEST_CASE("a peer that initiates and does not use our answers, even if we initiate as well") {
  Evidence evidence = quiet();
  evidence.own_port = 51820;
  evidence.peer.unconfirmed_responses = 2;
  CHECK_EQ(find(evidence), Finding::none);
  evidence.peer.unconfirmed_responses = 3;
  CHECK_EQ(find(evidence), Finding::answer_not_taken);
  CHECK(says(evidence, "UDP from port 51820"));
  evidence.peer.initiations = 9;
  CHECK_EQ(find(evidence), Finding::answer_not_taken);
  evidence.peer.unconfirmed_responses = 1;
  CHECK_EQ(find(evidence), Finding::none);
  evidence = quiet();
  evidence.peer.stale_initiations = {2, now};
  CHECK_EQ(find(evidence), Finding::none);
  evidence.peer.stale_initiations = {3, now};
  CHECK_EQ(find(evidence), Finding::peer_clock_behind);
}

TEST_CASE("sessions that are silent, foreign or empty") {
  Evidence evidence = quiet();
  evidence.peer.silences = 1;
  evidence.peer.add_foreign_session(now - 121s);
  evidence.peer.add_foreign_session(now);
  evidence.peer.bare_keepalives = PeerEvidence::telling_keepalives - 1;
  CHECK_EQ(find(evidence), Finding::none);
  ++evidence.peer.bare_keepalives;
  CHECK_EQ(find(evidence), Finding::no_data);
  ++evidence.peer.silences;
  CHECK_EQ(find(evidence), Finding::no_packets);
  evidence.peer.add_foreign_session(now);
  CHECK_EQ(find(evidence), Finding::key_in_use_elsewhere);
  evidence.now = now + 60s;
  CHECK_EQ(find(evidence), Finding::no_packets);
}

TEST_CASE("one key at two addresses: initiations alternate quickly") {
  const Endpoint one = *Endpoint::parse("192.0.2.1:1");
  const Endpoint two = *Endpoint::parse("[2001:db8::2]:2");
  const Endpoint three = *Endpoint::parse("192.0.2.3:3");
  const auto turns = [](std::vector<Endpoint> from, Duration gap) {
    EndpointFlapping seen;
    Instant at{1h};
    for (const Endpoint& endpoint : from) seen.add(endpoint, at += gap);
    return seen.count();
  };
  CHECK_EQ(turns({one, two, one, two, one}, 20s), 3);
  CHECK_EQ(turns({one, one, two, two, one, two, one}, 20s), 3);
  CHECK_EQ(turns({one, two, one, two, one}, 61s), 0);    // a device that roams to and fro
  CHECK_EQ(turns({one, two, three, one, two}, 20s), 0);  // a device behind a NAT that changes its port
  CHECK_EQ(turns({one, one, one, one}, 5s), 0);

  Evidence evidence = quiet();
  for (const Endpoint& endpoint : {one, two, one, two, one}) evidence.peer.initiators.add(endpoint, now);
  CHECK_EQ(find(evidence), Finding::peer_key_shared);
  CHECK(says(evidence, "come from [2001:db8::2]:2 and 192.0.2.1:1 in turn"));
  evidence.now = now + 61s;
  CHECK_EQ(find(evidence), Finding::none);
}

TEST_CASE("rejected datagrams are found by kind and sender, if they are recent") {
  RecentRejections rejections;
  const Endpoint from = *Endpoint::parse("192.0.2.1:1");
  using enum RejectedDatagram::Kind;
  CHECK(rejections.find(foreign_session, from, Instant{}) == nullptr);
  rejections.add({foreign_session, from, Instant{5s}, {}});
  CHECK(rejections.find(foreign_session, from, Instant{4s}) != nullptr);
  CHECK(rejections.find(foreign_session, from, Instant{5s}) == nullptr);
  CHECK(rejections.find(unknown_key, from, Instant{}) == nullptr);
  CHECK(rejections.find(foreign_session, *Endpoint::parse("192.0.2.1:2"), Instant{}) == nullptr);
}

TEST_CASE("every finding has a name and a sentence that ends without a full stop") {
  Evidence evidence = unanswered();
  evidence.failure = failure(ECONNREFUSED);
  evidence.unknown_key = PublicKey{};
  for (int i = 1; i <= static_cast<int>(Finding::no_data); ++i) {
    const auto finding = static_cast<Finding>(i);
    const std::string text = sentence(finding, evidence);
    CHECK(text.size() > 40);
    CHECK_NE(text.back(), '.');
    CHECK_NE(name(finding), "none");
    CHECK_EQ(is_silence(finding), i <= static_cast<int>(Finding::clock_behind));
  }
}
