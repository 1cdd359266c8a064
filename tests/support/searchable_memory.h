#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "shared/base/bytes.h"

namespace wg4::test {

/// Memory that is never freed, so that a test can search it for the remains of a freed object.
class SearchableMemory final : public std::pmr::memory_resource {
 public:
  [[nodiscard]] bool contains(ByteView needle) const {
    return std::ranges::any_of(blocks_,
                               [&](const ByteView& block) { return !std::ranges::search(block, needle).empty(); });
  }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = arena_.allocate(bytes, alignment);
    std::fill_n(static_cast<std::uint8_t*>(block), bytes, std::uint8_t{0});
    blocks_.emplace_back(static_cast<const std::uint8_t*>(block), bytes);
    return block;
  }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::pmr::monotonic_buffer_resource arena_;
  std::vector<ByteView> blocks_;
};

}  // namespace wg4::test
