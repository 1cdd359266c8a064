#pragma once
// Anti-replay by RFC 6479: a ring of words, of which the newest is filled only up to the highest counter seen. The
// window never shifts bits; to move forward it clears whole words, and one word of slack keeps that correct.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "wg4netns/core/limits.h"

namespace wg4 {

class ReplayWindow {
 public:
  /// How far below the highest counter a late packet may be, in packets.
  static constexpr std::uint64_t size = replay_window_bits - 64;

  /// True once for each counter that is not too old; call it only after the packet is authenticated.
  [[nodiscard]] bool accept(std::uint64_t counter) {
    if (counter >= reject_after_messages) return false;
    const std::uint64_t number = counter + 1;  // so that an empty window, too, has a highest number: 0
    if (number + size < highest_) return false;
    if (number > highest_) advance(number);
    std::uint64_t& word = seen_[word_of(number) % words];
    const std::uint64_t bit = std::uint64_t{1} << (number % 64);
    const bool fresh = (word & bit) == 0;
    word |= bit;
    return fresh;
  }

 private:
  static constexpr std::uint64_t words = replay_window_bits / 64;
  static_assert(words >= 2 && (words & (words - 1)) == 0, "the ring wraps by a power of two");

  static constexpr std::uint64_t word_of(std::uint64_t number) { return number / 64; }

  void advance(std::uint64_t number) {
    const std::uint64_t from = word_of(highest_);
    const std::uint64_t cleared = std::min(word_of(number) - from, words);
    for (std::uint64_t i = 1; i <= cleared; ++i) seen_[(from + i) % words] = 0;
    highest_ = number;
  }

  std::uint64_t highest_ = 0;
  std::array<std::uint64_t, words> seen_{};
};

}  // namespace wg4
