#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "shared/base/bytes.h"

namespace wg4::test {

/// Memory between two inaccessible pages: an access one byte too far crashes.
class GuardedBuffer {
 public:
  explicit GuardedBuffer(std::size_t size) : size_(size) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t usable = (size + page - 1) / page * page;
    mapped_ = usable + 2 * page;
    void* const start = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) std::abort();
    start_ = static_cast<std::uint8_t*>(start);
    begin_ = start_ + page;
    end_ = begin_ + usable;
    if (mprotect(start_, page, PROT_NONE) != 0 || mprotect(end_, page, PROT_NONE) != 0) std::abort();
  }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;
  ~GuardedBuffer() { munmap(start_, mapped_); }

  /// The first `size` bytes behind the guard in front.
  [[nodiscard]] ByteSpan first(std::size_t size) const { return {begin_, size}; }
  /// The last `size` bytes before the guard behind.
  [[nodiscard]] ByteSpan last(std::size_t size) const { return {end_ - size, size}; }
  [[nodiscard]] ByteSpan all() const { return last(size_); }

 private:
  std::size_t size_;
  std::size_t mapped_ = 0;
  std::uint8_t* start_ = nullptr;
  std::uint8_t* begin_ = nullptr;
  std::uint8_t* end_ = nullptr;
};

}  // namespace wg4::test
