#include "shared/sys/secret_memory.h"

#include <sodium/utils.h>
#include <sys/mman.h>

#include <algorithm>

#include "shared/base/check.h"

namespace wg4 {
namespace {

constexpr std::size_t region_size = 256 * 1024;

std::size_t round_up(std::size_t value, std::size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

}  // namespace

SecretPages::~SecretPages() {
  for (const Region& region : regions_) {
    sodium_memzero(region.start, region.used);
    munmap(region.start, region.size);
  }
}

void* SecretPages::do_allocate(std::size_t bytes, std::size_t alignment) {
  if (regions_.empty() || round_up(regions_.back().used, alignment) + bytes > regions_.back().size) add_region(bytes);
  Region& region = regions_.back();
  const std::size_t offset = round_up(region.used, alignment);
  region.used = offset + bytes;
  return region.start + offset;
}

void SecretPages::do_deallocate(void* pointer, std::size_t bytes, std::size_t /*alignment*/) {
  // A pool gives its chunks back only in its destructor; the pages are freed by ours.
  sodium_memzero(pointer, bytes);
}

void SecretPages::add_region(std::size_t at_least) {
  const std::size_t size = std::max(region_size, round_up(at_least, region_size));
  void* start = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(start != MAP_FAILED);
  // Pages are locked when they are first used: an unused region costs nothing.
  if (mlock2(start, size, MLOCK_ONFAULT) != 0) all_locked_ = false;
  madvise(start, size, MADV_DONTDUMP);
  madvise(start, size, MADV_WIPEONFORK);
  regions_.push_back({static_cast<std::byte*>(start), size, 0});
}

}  // namespace wg4
