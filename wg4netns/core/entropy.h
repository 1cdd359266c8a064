#pragma once
// Randomness is an input, too: the edge injects getrandom, a test injects a generator with a seed.

#include <array>
#include <cstdint>

#include "shared/base/bytes.h"

namespace wg4 {

class Entropy {
 public:
  Entropy() = default;
  Entropy(const Entropy&) = delete;
  Entropy& operator=(const Entropy&) = delete;
  virtual ~Entropy() = default;

  virtual void fill(ByteSpan out) = 0;

  [[nodiscard]] std::uint32_t u32() {
    std::array<std::uint8_t, 4> bytes;
    fill(bytes);
    return load_le<std::uint32_t>(bytes.data());
  }
};

}  // namespace wg4
