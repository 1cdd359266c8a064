#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"

namespace wg4::capture {

/// Where a capture goes: a file or a FIFO that only this user can open, or standard output.
class CaptureFile {
 public:
  /// `path` is "-" for standard output. What was in a file before is gone. A FIFO is waited for until somebody reads
  /// from it, 10 seconds at most. What is another user's, a link or a device is refused.
  [[nodiscard]] static Result<CaptureFile> open(const std::string& path);

  CaptureFile(CaptureFile&& other) noexcept : fd_(std::move(other.fd_)), deadline_(other.deadline_.load()) {}
  CaptureFile& operator=(CaptureFile&&) = delete;

  /// All of it, however long that takes. False, with errno, when it cannot be written.
  [[nodiscard]] bool write(ByteView bytes);
  /// By any thread: who reads from a pipe has two more seconds, whatever is left to be written.
  void hurry();

 private:
  explicit CaptureFile(UniqueFd fd) : fd_(std::move(fd)) {}
  [[nodiscard]] bool wait_for_reader() const;

  UniqueFd fd_;
  std::atomic<Deadline> deadline_ = Deadline::max();
};

/// Tells the user what a capture with keys is; `option` has asked for one.
void warn_of_keys(std::string_view option);

}  // namespace wg4::capture
