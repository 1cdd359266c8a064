#pragma once
// A capture's side towards the tunnel: what passes is copied into a bounded buffer, by any thread, until somebody takes
// it. What finds no room is counted.

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

#include "shared/base/bytes.h"
#include "wg4netns/capture/key_log.h"
#include "wg4netns/capture/recorder.h"
#include "wg4netns/core/output.h"
#include "wg4netns/crypto/aead.h"

namespace wg4::capture {

class Recording {
 public:
  /// As Recorder's. With keys, whoever has the capture reads everything, and can pass for this tunnel.
  Recording(std::size_t capacity, const Recorder::Names& names, std::uint16_t port)
      : recorder_(capacity, names, port), with_keys_(names.with_keys) {}
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  virtual ~Recording() = default;

  // They read the clock, once for all that they are given.
  void inner(std::span<const crypto::Plaintext> packets);
  void inner(std::span<const ByteSpan> packets);
  void outer(std::span<const DatagramRun> runs);
  void outer(const SendRun& run, ByteView bytes);
  void keys(const KeyLogEntry& entry);

  [[nodiscard]] bool with_keys() const { return with_keys_; }
  [[nodiscard]] Recorder::Counts counts();

  /// Adds the last statistics.
  void finish();
  /// The blocks so far, and behind them how many packets were lost if that has changed: who is cut off later on leaves
  /// the numbers behind, too. Valid up to the next call.
  [[nodiscard]] ByteSpan take();

 protected:
  /// For who waits for something to take: called, like the next one, with the mutex held.
  virtual void recorded() {}
  [[nodiscard]] bool is_empty() const { return recorder_.empty(); }
  [[nodiscard]] std::mutex& mutex() { return mutex_; }

 private:
  std::mutex mutex_;  // of what follows
  Recorder recorder_;
  std::uint64_t told_drops_ = 0;
  const bool with_keys_;
};

}  // namespace wg4::capture
