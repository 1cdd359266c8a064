#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace wg4 {

/// A histogram of how many datagrams went through the cipher together, since the cost of a packet depends on that.
class BatchSizes {
 public:
  static constexpr std::size_t bucket_count = 9;
  /// The largest batch that bucket `i` counts: 1, 2, 4 ... 256.
  [[nodiscard]] static constexpr std::size_t bound(std::size_t i) { return std::size_t{1} << i; }

  /// `size` is from 1 to the last bound.
  void add(std::size_t size) {
    ++counts_[std::min(static_cast<std::size_t>(std::bit_width(size - 1)), bucket_count - 1)];
    datagrams_ += size;
  }

  /// Batches in bucket `i` alone: larger than bound(i - 1).
  [[nodiscard]] std::uint64_t operator[](std::size_t i) const { return counts_[i]; }
  /// In all batches.
  [[nodiscard]] std::uint64_t datagrams() const { return datagrams_; }

 private:
  std::array<std::uint64_t, bucket_count> counts_{};
  std::uint64_t datagrams_ = 0;
};

}  // namespace wg4
