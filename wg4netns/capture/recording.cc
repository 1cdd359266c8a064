#include "wg4netns/capture/recording.h"

#include "shared/base/bytes.h"
#include "shared/sys/clock.h"
#include "wg4netns/capture/key_log.h"
#include "wg4netns/core/output.h"
#include "wg4netns/crypto/aead.h"

namespace wg4::capture {
namespace {

std::uint64_t time_ns() { return static_cast<std::uint64_t>(wall_clock().count()); }

}  // namespace

void Recording::inner(std::span<const crypto::Plaintext> packets) {
  const std::lock_guard lock(mutex_);
  buffer_.inner(packets, time_ns());
  recorded();
}

void Recording::inner(std::span<const ByteSpan> packets) {
  const std::lock_guard lock(mutex_);
  buffer_.inner(packets, time_ns());
  recorded();
}

void Recording::outer(std::span<const DatagramRun> runs) {
  const std::lock_guard lock(mutex_);
  for (const DatagramRun& run : runs) buffer_.outer(run, time_ns());
  recorded();
}

void Recording::outer(const SendRun& run, ByteView bytes) {
  const std::lock_guard lock(mutex_);
  buffer_.outer(run, bytes, time_ns());
  recorded();
}

void Recording::keys(const KeyLogEntry& entry) {
  const std::lock_guard lock(mutex_);
  buffer_.keys(entry);
  recorded();
}

BlockBuffer::Counts Recording::counts() {
  const std::lock_guard lock(mutex_);
  return buffer_.counts();
}

void Recording::finish() {
  const std::lock_guard lock(mutex_);
  buffer_.statistics(time_ns());
  recorded();
}

ByteSpan Recording::take() {
  const std::lock_guard lock(mutex_);
  if (const std::uint64_t drops = buffer_.counts().dropped; drops != reported_drops_) {
    buffer_.statistics(time_ns());
    reported_drops_ = drops;
  }
  return buffer_.take();
}

}  // namespace wg4::capture
