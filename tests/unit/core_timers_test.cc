#include "wg4netns/core/limits.h"
#include "wg4netns/core/time.h"
#include "wg4netns/core/timers.h"

#include "tests/support/seeded_entropy.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace wg4;

namespace {

const Instant start{1000s};
test::SeededEntropy entropy{1};

}  // namespace

TEST_CASE("timers that nothing has set never fire") {
  Timers timers;
  CHECK(timers.next() == never);
  CHECK_FALSE(timers.take_retransmit_handshake(start));
  CHECK_FALSE(timers.take_send_keepalive(start));
  CHECK_FALSE(timers.take_new_handshake(start));
  CHECK_FALSE(timers.take_zero_key_material(start));
  CHECK_FALSE(timers.take_persistent_keepalive(start));
}

TEST_CASE("a deadline is taken once, and not a moment early") {
  Timers timers;
  timers.session_derived(start, entropy);
  CHECK(timers.next() == start + 540s);
  CHECK_FALSE(timers.take_zero_key_material(start + 540s - 1ns));
  CHECK(timers.take_zero_key_material(start + 540s));
  CHECK_FALSE(timers.take_zero_key_material(start + 541s));
  CHECK(timers.next() == never);
}

TEST_CASE("unanswered data: the first packet sets the timer, any answer cancels it") {
  Timers timers;
  timers.session_derived(start, entropy);
  CHECK(timers.take_zero_key_material(start + 540s));
  timers.data_sent(start);
  const Instant first = timers.next();
  CHECK(first >= start + 15s);
  CHECK(first < start + 15s + rekey_timeout_jitter_max);
  timers.data_sent(start + 3s);
  CHECK(timers.next() == first);
  timers.any_authenticated_packet_received();
  CHECK(timers.next() == never);
}

TEST_CASE("received data: the keepalive is cancelled by anything sent, and scheduled again for more data") {
  Timers timers;
  timers.data_received(start);
  CHECK(timers.next() == start + 10s);
  timers.any_authenticated_packet_sent();
  CHECK(timers.next() == never);

  timers.data_received(start);
  timers.data_received(start + 1s);
  CHECK(timers.take_send_keepalive(start + 10s));
  timers.keepalive_was_due(start + 10s);
  CHECK(timers.next() == start + 20s);
  CHECK(timers.take_send_keepalive(start + 20s));
  timers.keepalive_was_due(start + 20s);
  CHECK(timers.next() == never);
}

TEST_CASE("attempts at a handshake: 19 repetitions of the first, unless something restarts them") {
  Timers timers;
  for (int i = 0; i < 19; ++i) CHECK(timers.count_handshake_attempt());
  CHECK_FALSE(timers.count_handshake_attempt());
  timers.restart_handshake_attempts();
  CHECK(timers.count_handshake_attempt());
}

TEST_CASE("a completed handshake stops its repetitions") {
  Timers timers;
  timers.handshake_initiated(start, entropy);
  CHECK(timers.handshake_pending());
  CHECK(timers.next() >= start + 5s);
  CHECK(timers.next() < start + 5s + rekey_timeout_jitter_max);
  timers.handshake_complete();
  CHECK_FALSE(timers.handshake_pending());
  CHECK(timers.next() == never);
}

TEST_CASE("an initiation that was held back follows Rekey-Timeout after the message that held it") {
  for (int i = 0; i < 100; ++i) {
    Timers timers;
    timers.handshake_held_back(start, entropy);
    CHECK(timers.next() >= start + 5s);
    CHECK(timers.next() < start + 5s + crossing_jitter_factor * rekey_timeout_jitter_max);
  }
}

TEST_CASE("giving up sets a time for wiping the keys, but changes none") {
  Timers timers;
  timers.gave_up_handshake(start);
  CHECK(timers.next() == start + 540s);
  timers.gave_up_handshake(start + 100s);
  CHECK(timers.next() == start + 540s);
}

TEST_CASE("the last-minute handshake is asked for once a session") {
  Timers timers;
  CHECK(timers.take_lastminute_handshake());
  CHECK_FALSE(timers.take_lastminute_handshake());
  timers.handshake_complete();
  CHECK(timers.take_lastminute_handshake());
}

TEST_CASE("a persistent keepalive is pushed back by any packet, and can be switched off") {
  Timers timers;
  timers.any_authenticated_packet_traversal(start);
  CHECK(timers.next() == never);
  timers.set_persistent_keepalive(25s);
  timers.any_authenticated_packet_traversal(start);
  CHECK(timers.next() == start + 25s);
  timers.any_authenticated_packet_traversal(start + 20s);
  CHECK(timers.next() == start + 45s);
  timers.set_persistent_keepalive(0s);
  CHECK(timers.next() == never);
}

TEST_CASE("jitter is below its bound and spreads") {
  Duration lowest = Duration::max();
  Duration highest{};
  for (int i = 0; i < 1000; ++i) {
    const Duration jitter = rekey_jitter(entropy);
    lowest = std::min(lowest, jitter);
    highest = std::max(highest, jitter);
  }
  CHECK(lowest >= 0ms);
  CHECK(lowest < 5ms);
  CHECK(highest < rekey_timeout_jitter_max);
  CHECK(highest > rekey_timeout_jitter_max - 5ms);
}
