#pragma once
// A capture as the tunnel sees it: any thread copies packets into a bounded buffer, from which they are taken. Packets
// that do not fit are only counted.

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

#include "shared/base/bytes.h"
#include "wg4netns/capture/block_buffer.h"
#include "wg4netns/capture/key_log.h"
#include "wg4netns/core/output.h"
#include "wg4netns/crypto/aead.h"

namespace wg4::capture {

class Recording {
 public:
  /// Parameters as for BlockBuffer. Anybody who has a capture with keys can read all traffic, and impersonate this
  /// tunnel.
  Recording(std::size_t capacity, const BlockBuffer::Names& names, std::uint16_t port)
      : buffer_(capacity, names, port), with_keys_(names.with_keys) {}
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  virtual ~Recording() = default;

  // Each call reads the clock once.
  void inner(std::span<const crypto::Plaintext> packets);
  void inner(std::span<const ByteSpan> packets);
  void outer(std::span<const DatagramRun> runs);
  void outer(const SendRun& run, ByteView bytes);
  void keys(const KeyLogEntry& entry);

  [[nodiscard]] bool with_keys() const { return with_keys_; }
  [[nodiscard]] BlockBuffer::Counts counts();

  /// Adds the last statistics.
  void finish();
  /// Takes the blocks so far, followed by how many packets were dropped if that has changed: so a capture that is cut
  /// off later has the numbers, too. Valid until the next call.
  [[nodiscard]] ByteSpan take();

 protected:
  /// Called after each record, for a thread that waits for blocks. This and the next function are called with the mutex
  /// held.
  virtual void recorded() {}
  [[nodiscard]] bool is_empty() const { return buffer_.empty(); }
  [[nodiscard]] std::mutex& mutex() { return mutex_; }

 private:
  std::mutex mutex_;  // guards what follows
  BlockBuffer buffer_;
  std::uint64_t reported_drops_ = 0;
  const bool with_keys_;
};

}  // namespace wg4::capture
