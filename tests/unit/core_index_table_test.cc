#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "tests/support/seeded_entropy.h"
#include "wg4netns/core/entropy.h"
#include "wg4netns/core/index_table.h"
#include "wg4netns/core/peer_id.h"

namespace wg4 {
namespace {

/// Returns given numbers, in order.
class ScriptedEntropy final : public Entropy {
 public:
  explicit ScriptedEntropy(std::vector<std::uint32_t> script) : script_(std::move(script)) {}
  void fill(ByteSpan out) override {
    REQUIRE(at_ < script_.size());
    REQUIRE(out.size() == sizeof(std::uint32_t));
    store_le(out.data(), script_[at_++]);
  }

 private:
  std::vector<std::uint32_t> script_;
  std::size_t at_ = 0;
};

bool means(const IndexTable& table, std::uint32_t index, PeerId peer, IndexKind kind) {
  const IndexTable::Entry* const entry = table.find(index);
  return entry != nullptr && entry->peer == peer && entry->kind == kind;
}

TEST_CASE("An index in use is never given out again, zero included") {
  ScriptedEntropy entropy({0, 5, 5, 0, 5, 7});
  IndexTable table;
  CHECK(table.allocate(entropy, {1, IndexKind::handshake}) == 0);
  CHECK(table.allocate(entropy, {2, IndexKind::handshake}) == 5);
  CHECK(table.allocate(entropy, {3, IndexKind::keypair}) == 7);
  CHECK(means(table, 0, 1, IndexKind::handshake));
  CHECK(means(table, 5, 2, IndexKind::handshake));
  CHECK(means(table, 7, 3, IndexKind::keypair));
  CHECK(table.find(6) == nullptr);
  CHECK(table.size() == 3);
}

TEST_CASE("A handshake becomes a session under the same index") {
  test::SeededEntropy entropy(1);
  IndexTable table;
  const std::uint32_t index = table.allocate(entropy, {9, IndexKind::handshake});
  table.replace(index, {9, IndexKind::keypair});
  CHECK(means(table, index, 9, IndexKind::keypair));
  table.remove(index);
  CHECK(table.find(index) == nullptr);
  table.remove(index);
  CHECK(table.size() == 0);
}

TEST_CASE("Indices that hash to one place, wrapping around the end, survive each removal") {
  // All end in 15 or 0: the last and the first slot of a table of 16.
  const std::vector<std::uint32_t> clash = {15, 31, 47, 16, 63, 32, 79, 48};
  std::vector<std::uint32_t> order = clash;
  std::ranges::sort(order);
  do {
    ScriptedEntropy entropy(clash);
    IndexTable table;
    for (PeerId peer = 0; peer < clash.size(); ++peer) {
      REQUIRE(table.allocate(entropy, {peer, IndexKind::keypair}) == clash[peer]);
    }
    for (std::size_t gone = 0; gone < 4; ++gone) table.remove(order[gone]);
    for (PeerId peer = 0; peer < clash.size(); ++peer) {
      const bool removed = std::find(order.begin(), order.begin() + 4, clash[peer]) != order.begin() + 4;
      REQUIRE(means(table, clash[peer], peer, IndexKind::keypair) == !removed);
    }
  } while (std::ranges::next_permutation(order).found);
}

TEST_CASE("Growing, churning and shrinking agree with a map") {
  test::SeededEntropy entropy(3);
  IndexTable table;
  std::map<std::uint32_t, PeerId> model;
  std::vector<std::uint32_t> live;
  for (const std::size_t target : {50'000U, 100U, 20'000U, 0U, 1'000U}) {
    while (live.size() != target) {
      const bool grow = entropy.below(3) == 0 ? live.size() > target : live.size() < target;
      if (grow || live.empty()) {
        const PeerId peer = entropy.below(1000);
        live.push_back(table.allocate(entropy, {peer, IndexKind::keypair}));
        REQUIRE(model.emplace(live.back(), peer).second);
      } else {
        std::swap(live[entropy.below(static_cast<std::uint32_t>(live.size()))], live.back());
        table.remove(live.back());
        model.erase(live.back());
        live.pop_back();
      }
    }
    REQUIRE(table.size() == model.size());
    for (const auto& [index, peer] : model) REQUIRE(means(table, index, peer, IndexKind::keypair));
    for (int i = 0; i < 1000; ++i) {
      const std::uint32_t index = entropy.u32();
      REQUIRE((table.find(index) != nullptr) == model.contains(index));
    }
  }
}

}  // namespace
}  // namespace wg4
