#pragma once
// A capture of a tunnel that serves. The threads that move packets copy them into a bounded buffer; a thread of its own
// writes them down, so that no disk and no reader of a pipe can hold up the tunnel: what finds no room is counted.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/capture/capture_file.h"
#include "wg4netns/capture/recorder.h"
#include "wg4netns/capture/source_probe.h"
#include "wg4netns/core/key_observer.h"

namespace wg4::capture {

class Capture final : public KeyObserver {
 public:
  /// `port` is that of the UDP socket. With keys, whoever has the file reads everything, and can pass for this tunnel.
  Capture(CaptureFile file, const Recorder::Names& names, std::uint16_t port);
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  /// Writes what is left, if that goes on.
  ~Capture() override;

  /// Starts the thread that writes.
  [[nodiscard]] Result<void> start();

  // Taps, for any thread. They read the clock, once for all that they are given.
  void inner(std::span<const crypto::Plaintext> packets);
  void inner(std::span<const ByteSpan> packets);
  void outer(std::span<const DatagramRun> runs);
  void outer(const SendRun& run, ByteView bytes);

  void identity_key(const PrivateKey& local_static) override;
  void handshake_keys(const PublicKey& remote_static, const PrivateKey& ephemeral,
                      const PresharedKey& preshared) override;

  [[nodiscard]] Recorder::Counts counts();
  /// As SourceProbe::fds().
  [[nodiscard]] std::vector<int> probes() const { return source_.fds(); }

 private:
  void write_down();
  [[nodiscard]] ByteSpan next_blocks();

  CaptureFile file_;
  bool with_keys_;
  std::mutex mutex_;  // of what follows
  std::condition_variable wake_;
  Recorder recorder_;
  SourceProbe source_;
  bool ends_ = false;
  std::uint64_t told_drops_ = 0;  // by statistics in the file
  std::thread writer_;
};

}  // namespace wg4::capture
