#include "wg4netns/core/keypair.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/noise.h"
#include "wg4netns/core/time.h"

#include <algorithm>
#include <cstdint>
#include <memory_resource>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace wg4;

namespace {

const Instant start{1000s};

KeypairPtr session(std::uint32_t local_index, bool initiator) {
  TransportKeys keys;
  keys.local_index = local_index;
  keys.initiator = initiator;
  return make_pmr<Keypair>(*std::pmr::new_delete_resource(), std::move(keys), start);
}

std::vector<std::uint32_t> sorted(const RetiredIndices& retired) {
  std::vector<std::uint32_t> indices(retired.all().begin(), retired.all().end());
  std::ranges::sort(indices);
  return indices;
}

using Indices = std::vector<std::uint32_t>;

/// Those of 1..9 that are indices of a session.
Indices alive(Keypairs& keypairs) {
  Indices found;
  for (std::uint32_t index = 1; index < 10; ++index)
    if (keypairs.find(index) != nullptr) found.push_back(index);
  return found;
}

RetiredIndices confirm(Keypairs& keypairs, std::uint32_t index, bool expected) {
  RetiredIndices retired;
  CHECK_EQ(keypairs.confirm(*keypairs.find(index), retired), expected);
  return retired;
}

}  // namespace

TEST_CASE("the initiator uses a session at once, and keeps the one before") {
  Keypairs keypairs;
  CHECK_EQ(keypairs.current(), nullptr);
  CHECK(sorted(keypairs.add(session(1, true))) == Indices{});
  CHECK_EQ(keypairs.current()->local_index, 1);
  CHECK(sorted(keypairs.add(session(2, true))) == Indices{});
  CHECK_EQ(keypairs.current()->local_index, 2);
  CHECK(sorted(keypairs.add(session(3, true))) == Indices{1});
  CHECK(alive(keypairs) == Indices{2, 3});
}

TEST_CASE("the responder waits for the first packet of a session before it sends with it") {
  Keypairs keypairs;
  (void)keypairs.add(session(1, false));
  CHECK_EQ(keypairs.current(), nullptr);
  CHECK(sorted(confirm(keypairs, 1, true)) == Indices{});
  CHECK_EQ(keypairs.current()->local_index, 1);
  confirm(keypairs, 1, false);

  (void)keypairs.add(session(2, false));
  CHECK_EQ(keypairs.current()->local_index, 1);
  confirm(keypairs, 1, false);  // packets of the old session confirm nothing
  CHECK_EQ(keypairs.current()->local_index, 1);
  confirm(keypairs, 2, true);
  CHECK_EQ(keypairs.current()->local_index, 2);
  CHECK(alive(keypairs) == Indices{1, 2});
}

TEST_CASE("a new session of the responder's ends the previous one and an unconfirmed one") {
  Keypairs keypairs;
  (void)keypairs.add(session(1, true));
  (void)keypairs.add(session(2, true));
  CHECK(sorted(keypairs.add(session(3, false))) == Indices{1});
  CHECK(sorted(keypairs.add(session(4, false))) == Indices{3});
  CHECK(alive(keypairs) == Indices{2, 4});
  CHECK(sorted(confirm(keypairs, 4, true)) == Indices{});
  CHECK(alive(keypairs) == Indices{2, 4});
}

TEST_CASE("an unconfirmed session as responder survives when the current one ends") {
  Keypairs keypairs;
  (void)keypairs.add(session(1, true));
  (void)keypairs.add(session(2, false));
  CHECK(sorted(keypairs.add(session(3, true))) == Indices{1});
  CHECK_EQ(keypairs.current()->local_index, 3);
  CHECK(alive(keypairs) == Indices{2, 3});
  confirm(keypairs, 2, false);
}

TEST_CASE("clear ends all of them") {
  Keypairs keypairs;
  (void)keypairs.add(session(1, true));
  (void)keypairs.add(session(2, true));
  (void)keypairs.add(session(3, false));
  CHECK(sorted(keypairs.clear()) == Indices{2, 3});
  CHECK(alive(keypairs) == Indices{});
  CHECK(sorted(keypairs.clear()) == Indices{});
}

TEST_CASE("after a change of identity nothing is sent any more, but packets in flight are received") {
  Keypairs keypairs;
  (void)keypairs.add(session(1, true));
  (void)keypairs.add(session(2, false));
  CHECK(sorted(keypairs.stop_sending()) == Indices{2});
  CHECK_FALSE(keypairs.current()->may_send(start));
  CHECK(keypairs.current()->may_receive(start));
}

TEST_CASE("a session may be used until 180 s, and for sending until its counters end") {
  const KeypairPtr keypair = session(1, true);
  CHECK(keypair->may_send(start + 180s - 1ns));
  CHECK(keypair->may_receive(start + 180s - 1ns));
  CHECK_FALSE(keypair->may_send(start + 180s));
  CHECK_FALSE(keypair->may_receive(start + 180s));
  keypair->send_counter = reject_after_messages - 1;
  CHECK(keypair->may_send(start));
  keypair->send_counter = reject_after_messages;
  CHECK_FALSE(keypair->may_send(start));
}
