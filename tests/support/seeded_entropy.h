#pragma once

#include <cstdint>
#include <random>

#include "shared/base/bytes.h"
#include "wg4netns/core/entropy.h"

namespace wg4::test {

/// Repeatable randomness: the same seed gives the same bytes.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : generator_(seed) {}

  void fill(ByteSpan out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(generator_());
  }
  /// 0..end-1
  [[nodiscard]] std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(generator_() % end); }

 private:
  std::mt19937_64 generator_;
};

}  // namespace wg4::test
