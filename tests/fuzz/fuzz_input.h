#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "shared/base/bytes.h"

namespace wg4::test {

/// The bytes of one run as a stream of decisions. When they are used up, all decisions are 0.
class FuzzInput {
 public:
  explicit FuzzInput(ByteView bytes) : left_(bytes) {}

  [[nodiscard]] bool empty() const { return left_.empty(); }
  [[nodiscard]] std::uint8_t u8() {
    if (left_.empty()) return 0;
    const std::uint8_t byte = left_.front();
    left_ = left_.subspan(1);
    return byte;
  }
  [[nodiscard]] std::uint16_t u16() { return static_cast<std::uint16_t>(u8() | u8() << 8); }
  /// 0..end-1; `end` is at most 256.
  [[nodiscard]] std::size_t below(std::size_t end) { return u8() % end; }
  /// As many as that, or what is left.
  [[nodiscard]] ByteView take(std::size_t size) {
    const ByteView taken = left_.first(std::min(size, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }

 private:
  ByteView left_;
};

}  // namespace wg4::test
