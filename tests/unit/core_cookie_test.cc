#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "shared/net/endpoint.h"
#include "tests/support/seeded_entropy.h"
#include "wg4netns/core/cookie.h"
#include "wg4netns/core/entropy.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/blake2s.h"
#include "wg4netns/crypto/small_aead.h"

namespace wg4 {
namespace {

using Message = std::vector<std::uint8_t>;
using Reply = std::array<std::uint8_t, cookie_reply_size>;

const Instant start = Instant(1000s);
constexpr std::size_t macs_size = 32;

PublicKey random_key(Entropy& entropy) {
  PublicKey key;
  entropy.fill(key);
  return key;
}

/// One side that checks and one that sends to it.
struct Fixture {
  Fixture() { checker.set_identity(responder_key); }

  [[nodiscard]] Message new_message(std::size_t size) {
    Message message(size);
    entropy.fill(message);
    return message;
  }
  [[nodiscard]] Message sent(Instant now, std::size_t size = initiation_size) {
    Message message = new_message(size);
    jar.add_macs(message, now);
    return message;
  }
  [[nodiscard]] Reply reply_to(const Message& message, Instant now) {
    Reply reply;
    checker.make_reply(message, from, now, entropy, reply);
    return reply;
  }
  [[nodiscard]] bool check_mac2(const Message& message, Instant now) {
    return checker.check_mac2(message, from, now, entropy);
  }
  /// A cookie made and taken at `now`.
  void exchange_cookie(Instant now) {
    const Message message = sent(now);
    REQUIRE(jar.consume_reply(reply_to(message, now), now));
  }

  test::SeededEntropy entropy{4};
  PublicKey responder_key = random_key(entropy);
  CookieChecker checker;
  CookieJar jar{responder_key};
  Endpoint from = *Endpoint::parse("192.0.2.7:51820");
};

TEST_CASE_FIXTURE(Fixture, "mac1 covers all before it, in both kinds of message") {
  for (const std::size_t size : {initiation_size, response_size}) {
    const Message message = sent(start, size);
    CHECK(checker.check_mac1(message));
    for (std::size_t i = 0; i < size; ++i) {
      Message tampered = message;
      tampered[i] ^= 1;
      CHECK(checker.check_mac1(tampered) == (i >= size - macs_size / 2));
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "mac1 is MAC(HASH(label || responder), message), as whitepaper 5.4.4 says") {
  const Message message = sent(start);
  std::vector<std::uint8_t> labelled = {'m', 'a', 'c', '1', '-', '-', '-', '-'};
  labelled.insert(labelled.end(), responder_key.begin(), responder_key.end());
  const crypto::Hash key = crypto::blake2s(labelled);
  const ByteView covered = ByteView(message).first(initiation_size - macs_size);
  const crypto::Mac expected = crypto::blake2s_mac(key, covered);
  CHECK(std::ranges::equal(expected, ByteView(message).subspan(covered.size(), 16)));
  CHECK(std::ranges::count(ByteView(message).last<16>(), 0) == 16);  // mac2: no cookie yet
}

TEST_CASE_FIXTURE(Fixture, "A message for another key, or for our former key, has a wrong mac1") {
  const Message message = sent(start);
  PublicKey other = responder_key;
  other[0] ^= 1;
  checker.set_identity(other);
  CHECK_FALSE(checker.check_mac1(message));
}

TEST_CASE_FIXTURE(Fixture, "A cookie reply is valid, and its cookie makes the next mac2 valid") {
  const Message first = sent(start);
  CHECK_FALSE(check_mac2(first, start));
  const Reply reply = reply_to(first, start);
  CHECK(classify(reply) == MessageType::cookie_reply);
  CHECK(std::ranges::equal(ByteView(reply).subspan(4, 4), ByteView(first).subspan(4, 4)));  // its sender index
  REQUIRE(jar.consume_reply(reply, start));

  for (const std::size_t size : {initiation_size, response_size}) {
    const Message next = sent(start + 5s, size);
    CHECK(checker.check_mac1(next));
    CHECK(check_mac2(next, start + 5s));
    for (std::size_t i = 0; i < size; ++i) {
      Message tampered = next;
      tampered[i] ^= 0x80;
      CHECK_FALSE(check_mac2(tampered, start + 5s));
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "A cookie belongs to one address and one port") {
  exchange_cookie(start);
  const Message message = sent(start);
  CHECK(check_mac2(message, start));
  for (const char* other : {"192.0.2.7:51821", "192.0.2.7:20", "192.0.2.8:51820", "[::ffff:192.0.2.7]:51820"}) {
    CHECK_FALSE(checker.check_mac2(message, *Endpoint::parse(other), start, entropy));
  }
  from = *Endpoint::parse("[2001:db8::7]:51820");
  exchange_cookie(start);
  CHECK(check_mac2(sent(start), start));
  CHECK_FALSE(checker.check_mac2(sent(start), *Endpoint::parse("[2001:db8::8]:51820"), start, entropy));
}

TEST_CASE_FIXTURE(Fixture, "A reply counts once, for the last message, unaltered") {
  const Message first = sent(start);
  const Reply reply = reply_to(first, start);
  for (std::size_t bit = 8 * 8; bit < 8 * cookie_reply_size; ++bit) {
    Reply tampered = reply;
    tampered[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    REQUIRE_FALSE(jar.consume_reply(tampered, start));
  }
  REQUIRE(jar.consume_reply(reply, start));
  CHECK_FALSE(jar.consume_reply(reply, start));

  const Message second = sent(start);
  const Message third = sent(start);
  CHECK_FALSE(jar.consume_reply(reply_to(second, start), start));
  CHECK(jar.consume_reply(reply_to(third, start), start));
}

TEST_CASE_FIXTURE(Fixture, "A cookie reply is ignored if no message was sent") {
  CookieJar silent(responder_key);
  CHECK_FALSE(silent.consume_reply(reply_to(sent(start), start), start));
}

TEST_CASE_FIXTURE(Fixture, "The sender uses a cookie for 115 seconds") {
  exchange_cookie(start);
  const Duration usable = cookie_secret_max_age - cookie_latency;
  const auto has_mac2 = [&](Instant now) {
    const Message message = sent(now);
    return std::ranges::count(ByteView(message).last<16>(), 0) != 16;
  };
  CHECK(has_mac2(start + usable - 1ns));
  CHECK_FALSE(has_mac2(start + usable));
  CHECK_FALSE(has_mac2(start + 10 * usable));
}

TEST_CASE_FIXTURE(Fixture, "The receiver changes its secret after 120 seconds, and old cookies end with it") {
  exchange_cookie(start);
  const Message message = sent(start);
  CHECK(check_mac2(message, start + cookie_secret_max_age - 1ns));
  CHECK_FALSE(check_mac2(message, start + cookie_secret_max_age));
  CHECK_FALSE(check_mac2(message, start));
  exchange_cookie(start + cookie_secret_max_age);
  CHECK(check_mac2(sent(start + 130s), start + 130s));
}

TEST_CASE_FIXTURE(Fixture, "No two replies share a nonce") {
  const Message message = sent(start);
  const Reply one = reply_to(message, start);
  const Reply two = reply_to(message, start);
  CHECK_FALSE(std::ranges::equal(ByteView(one).subspan(8, 24), ByteView(two).subspan(8, 24)));
}

}  // namespace
}  // namespace wg4
