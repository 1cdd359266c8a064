#include "wg4netns/capture/capture.h"

#include <sodium/utils.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "shared/sys/clock.h"
#include "shared/sys/log.h"

namespace wg4::capture {
namespace {

constexpr std::size_t capacity = 16UL * 1024 * 1024;  // bytes; twice that while some are being written

std::uint64_t time_ns() { return static_cast<std::uint64_t>(wall_clock().count()); }

}  // namespace

Capture::Capture(CaptureFile file, const Recorder::Names& names, std::uint16_t port)
    : file_(std::move(file)), with_keys_(names.with_keys), recorder_(capacity, names, port) {}

Capture::~Capture() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    recorder_.statistics(time_ns());
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

void Capture::inner(std::span<const crypto::Plaintext> packets) {
  const std::lock_guard lock(mutex_);
  recorder_.inner(packets, time_ns());
  wake_.notify_one();
}

void Capture::inner(std::span<const ByteSpan> packets) {
  const std::lock_guard lock(mutex_);
  recorder_.inner(packets, time_ns());
  wake_.notify_one();
}

void Capture::outer(std::span<const DatagramRun> runs) {
  const std::lock_guard lock(mutex_);
  for (const DatagramRun& run : runs) recorder_.outer(run, time_ns());
  wake_.notify_one();
}

void Capture::outer(const SendRun& run, ByteView bytes) {
  const std::lock_guard lock(mutex_);
  SendRun with_source = run;
  if (!run.path.has_source()) with_source.path.local = source_.towards(run.path.remote);
  recorder_.outer(with_source, bytes, time_ns());
  wake_.notify_one();
}

void Capture::identity_key(const PrivateKey& local_static) {
  const KeyLogEntry entry(local_static);
  const std::lock_guard lock(mutex_);
  recorder_.keys(entry);
}

void Capture::handshake_keys(const PublicKey& remote_static, const PrivateKey& ephemeral,
                             const PresharedKey& preshared) {
  const KeyLogEntry entry(remote_static, ephemeral, preshared);
  const std::lock_guard lock(mutex_);
  recorder_.keys(entry);
}

Recorder::Counts Capture::counts() {
  const std::lock_guard lock(mutex_);
  return recorder_.counts();
}

void Capture::write_down() {
  for (;;) {
    const ByteSpan blocks = next_blocks();
    if (blocks.empty()) return;
    const bool written = file_.write(blocks);
    const int error = errno;
    if (with_keys_) sodium_memzero(blocks.data(), blocks.size());
    if (written) continue;
    // The buffer fills up, and from then on what comes is counted alone.
    if (error != EAGAIN) log::warning("--pcap: the capture has ended: {}", std::strerror(error));
    return;
  }
}

/// Waits for some. None when there will be no more.
ByteSpan Capture::next_blocks() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return ends_ || !recorder_.empty(); });
  // Who is killed leaves the numbers behind, too.
  if (const std::uint64_t drops = recorder_.counts().dropped; drops != told_drops_) {
    recorder_.statistics(time_ns());
    told_drops_ = drops;
  }
  return recorder_.take();
}

}  // namespace wg4::capture
