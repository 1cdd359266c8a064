#include "shared/sys/process_usage.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <ctime>
#include <string_view>
#include <system_error>

namespace wg4 {

ProcessUsage ProcessUsage::open() { return ProcessUsage(UniqueFd(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC))); }

std::chrono::nanoseconds ProcessUsage::processor_time() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::optional<ProcessUsage::Memory> ProcessUsage::memory() const {
  std::array<char, 128> text;
  const ssize_t size = pread(statm_.get(), text.data(), text.size(), 0);
  if (size <= 0) return std::nullopt;
  const char* const end = text.data() + size;
  // "total resident ...", in pages: proc(5)
  Memory pages;
  const auto [at, error] = std::from_chars(text.data(), end, pages.virtual_bytes);
  if (error != std::errc{} || at == end) return std::nullopt;
  if (std::from_chars(at + 1, end, pages.resident_bytes).ec != std::errc{}) return std::nullopt;
  static const auto page_size = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return Memory{pages.virtual_bytes * page_size, pages.resident_bytes * page_size};
}

}  // namespace wg4
