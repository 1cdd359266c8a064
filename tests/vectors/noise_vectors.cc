// The IKpsk2 handshake against a transcript of a second implementation (generate_noise.py).

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/hex_base64.h"
#include "tests/vectors/noise_transcript.h"
#include "tests/vectors/vector_support.h"
#include "wg4netns/core/cookie.h"
#include "wg4netns/core/entropy.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/noise.h"
#include "wg4netns/core/time.h"

#include <doctest/doctest.h>

using namespace wg4;
using namespace wg4::vectors;

namespace {

/// Gives out one ephemeral key.
class FixedEntropy final : public Entropy {
 public:
  explicit FixedEntropy(Bytes bytes) : bytes_(std::move(bytes)) {}
  void fill(ByteSpan out) override {
    REQUIRE_EQ(out.size(), bytes_.size());
    std::ranges::copy(bytes_, out.begin());
  }

 private:
  Bytes bytes_;
};

const WallTime wall = WallTime{std::chrono::sys_days{std::chrono::year{2024} / 1 / 1}} + std::chrono::milliseconds(500);

}  // namespace

TEST_CASE("a handshake makes the same bytes and the same keys as the second implementation's") {
  for (const TranscriptVector& vector : transcript_vectors) {
    const StaticIdentity initiator(secret(pattern(32, 10)));
    const StaticIdentity responder(secret(pattern(32, 50)));
    FixedEntropy initiator_entropy(pattern(32, 90));
    FixedEntropy responder_entropy(pattern(32, 130));
    Handshake at_initiator(responder.public_key);
    Handshake at_responder(initiator.public_key);
    if (vector.has_psk) {
      at_initiator.set_preshared_key(secret(pattern(32, 170)));
      at_responder.set_preshared_key(secret(pattern(32, 170)));
    }

    std::array<std::uint8_t, initiation_size> initiation{};
    REQUIRE(at_initiator.create_initiation(initiator, 0x11223344, wall, initiator_entropy, InitiationSpan{initiation}));
    CookieJar(responder.public_key).add_macs(initiation, Instant{});
    CHECK_EQ(encode_hex(initiation), vector.initiation);

    const auto opened = open_initiation(responder, InitiationView{initiation});
    REQUIRE(opened.has_value());
    CHECK(opened->remote_static == initiator.public_key);
    REQUIRE(at_responder.consume_initiation(responder, *opened, InitiationView{initiation}, Instant{}) ==
            Handshake::Verdict::accepted);
    std::array<std::uint8_t, response_size> response{};
    REQUIRE(at_responder.create_response(0x55667788, responder_entropy, ResponseSpan{response}));
    CookieJar(initiator.public_key).add_macs(response, Instant{});
    CHECK_EQ(encode_hex(response), vector.response);

    REQUIRE(at_initiator.consume_response(initiator, ResponseView{response}));
    const auto mine = at_initiator.begin_session();
    const auto theirs = at_responder.begin_session();
    REQUIRE(mine.has_value());
    REQUIRE(theirs.has_value());
    CHECK_EQ(hex(mine->send), vector.initiator_send_key);
    CHECK_EQ(hex(mine->receive), vector.initiator_receive_key);
    CHECK_EQ(hex(theirs->receive), vector.initiator_send_key);
    CHECK_EQ(hex(theirs->send), vector.initiator_receive_key);
    CHECK_EQ(mine->local_index, 0x11223344);
    CHECK_EQ(mine->remote_index, 0x55667788);
    CHECK_EQ(theirs->local_index, 0x55667788);
    CHECK_EQ(theirs->remote_index, 0x11223344);
    CHECK(mine->initiator);
    CHECK_FALSE(theirs->initiator);
  }
}
