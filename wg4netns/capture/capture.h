#pragma once
// A capture of a tunnel from its start to its end. A thread of its own writes it, so that neither a disk nor the reader
// of a pipe can block the tunnel.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "wg4netns/capture/block_buffer.h"
#include "wg4netns/capture/capture_file.h"
#include "wg4netns/capture/recording.h"

namespace wg4::capture {

class Capture final : public Recording {
 public:
  /// `port` is that of the UDP socket.
  Capture(CaptureFile file, const BlockBuffer::Names& names, std::uint16_t port);
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  /// Writes the rest; the reader of a pipe gets two seconds for it.
  ~Capture() override;

  /// Starts the thread that writes.
  [[nodiscard]] Result<void> start();

 private:
  void recorded() override { wake_.notify_one(); }
  void write_down();
  [[nodiscard]] ByteSpan next_blocks();

  CaptureFile file_;
  std::condition_variable wake_;
  bool ends_ = false;  // guarded by mutex()
  std::thread writer_;
};

}  // namespace wg4::capture
