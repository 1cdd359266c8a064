#include "wg4netns/capture/capture.h"

#include <sodium/utils.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/sys/log.h"
#include "wg4netns/capture/block_buffer.h"

namespace wg4::capture {
namespace {

constexpr std::size_t capacity = 16UL * 1024 * 1024;  // bytes; twice that while a buffer is being written

}  // namespace

Capture::Capture(CaptureFile file, const BlockBuffer::Names& names, std::uint16_t port)
    : Recording(capacity, names, port), file_(std::move(file)) {}

Capture::~Capture() {
  finish();
  {
    const std::lock_guard lock(mutex());
    ends_ = true;
  }
  file_.hurry();
  wake_.notify_one();
  if (writer_.joinable()) writer_.join();
}

Result<void> Capture::start() {
  try {
    writer_ = std::thread([this] { write_down(); });
  } catch (const std::system_error& error) {
    return fail("start a thread for --pcap", error.code().value(), "Raise the limit on processes");
  }
  return {};
}

void Capture::write_down() {
  for (;;) {
    const ByteSpan blocks = next_blocks();
    if (blocks.empty()) return;
    const bool written = file_.write(blocks);
    const int error = errno;
    if (with_keys()) sodium_memzero(blocks.data(), blocks.size());
    if (written) continue;
    // The buffer fills up; from then on packets are only counted.
    if (error != EAGAIN) log::warning("--pcap: the capture has ended: {}", std::strerror(error));
    return;
  }
}

/// Waits for blocks. Empty when there will be no more.
ByteSpan Capture::next_blocks() {
  {
    std::unique_lock lock(mutex());
    wake_.wait(lock, [this] { return ends_ || !is_empty(); });
  }
  return take();
}

}  // namespace wg4::capture
