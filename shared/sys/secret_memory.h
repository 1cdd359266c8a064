#pragma once
// Memory for keys: pages that are locked as far as RLIMIT_MEMLOCK allows (never swapped), left out of core dumps, and
// zero in a forked child.

#include <cstddef>
#include <memory_resource>
#include <vector>

namespace wg4 {

/// Allocates page ranges, and frees them only in the destructor. Meant as the source of a pool.
class SecretPages final : public std::pmr::memory_resource {
 public:
  SecretPages() = default;
  SecretPages(const SecretPages&) = delete;
  SecretPages& operator=(const SecretPages&) = delete;
  ~SecretPages() override;

  /// False once a region could not be locked.
  [[nodiscard]] bool all_locked() const { return all_locked_; }

 private:
  struct Region {
    std::byte* start;
    std::size_t size;
    std::size_t used;
  };

  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* pointer, std::size_t bytes, std::size_t alignment) override;
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
  void add_region(std::size_t at_least);

  std::vector<Region> regions_;
  bool all_locked_ = true;
};

/// The memory resource for objects that have keys in them.
class SecretMemory {
 public:
  [[nodiscard]] std::pmr::memory_resource& resource() { return pool_; }
  [[nodiscard]] bool all_locked() const { return pages_.all_locked(); }

 private:
  SecretPages pages_;
  std::pmr::unsynchronized_pool_resource pool_{{.max_blocks_per_chunk = 64, .largest_required_pool_block = 4096},
                                               &pages_};
};

}  // namespace wg4
